import {
  type Call,
  type CallHandler,
  type CheckedParams,
  type CommandName,
  type CommandResult,
  checkParams,
  commandOf,
  type DeviceKey,
  methodOf,
  RIGHTS,
} from '../protocol/index.ts';
import { ActNotes } from './act-notes.ts';
import { auditCommands } from './audit.ts';
import { type Allowed, authorize, type Question, type Refused } from './authorize.ts';
import { cameraCommands } from './cameras.ts';
import { type Concern, concernOf } from './concern.ts';
import { deviceCommands } from './devices.ts';
import { cancelled, denied, paramsRefused, segmentMissing, sourceMissing, unknownCommand } from './errors.ts';
import { eventCommands } from './events.ts';
import { grantCommands } from './grants.ts';
import type { CommandDeps, Family, Handler } from './handler.ts';
import { imagingCommands } from './imaging.ts';
import { keptCameraCommands } from './kept-cameras.ts';
import { liveCommands } from './live.ts';
import { pairingCommands } from './pairing.ts';
import { ptzCommands } from './ptz.ts';
import { segmentCommands } from './segments.ts';
import { snapshotCommands } from './snapshots.ts';
import { sourceCommands } from './sources.ts';
import { statusCommands } from './status.ts';
import { storageKeyCommands } from './storage-keys.ts';
import { swarmCommands } from './swarm.ts';
import { timelineCommands } from './timeline.ts';

/** One call that is being answered, and what was asked about it. */
interface Running {
  controller: AbortController;
  question: Question;
}

/**
 * Answers every call of every channel: finds the command, checks its params, asks `authorize`, lets its family answer, tells the audit
 * log.
 *
 * When what a device may do changes, by removal, by another grant, by the end of one, `authorize` is asked again for each of its running
 * calls, and those that are not allowed any more are aborted at that moment. Rejects with `ERR_COMMANDS_UNKNOWN` (`missing`),
 * `ERR_COMMANDS_PARAMS` (`invalid`), `ERR_COMMANDS_DENIED` (`denied`), `ERR_COMMANDS_SOURCE` or `ERR_COMMANDS_SEGMENT` (`missing`) for what
 * the device may not know of, or what the family throws.
 */
export function createCommands(deps: CommandDeps): CallHandler {
  const { clock, log, devices, vault } = deps;
  const notes = new ActNotes(deps);
  const families: Family<CommandName> = {
    ...sourceCommands(deps),
    ...cameraCommands(deps),
    ...keptCameraCommands({ ...deps, notes }),
    ...ptzCommands({ ...deps, notes }),
    ...imagingCommands(deps),
    ...snapshotCommands({ ...deps, notes }),
    ...segmentCommands({ ...deps, notes }),
    ...timelineCommands(deps),
    ...liveCommands({ ...deps, notes }),
    ...eventCommands(deps),
    ...statusCommands(deps),
    ...deviceCommands(deps),
    ...grantCommands(deps),
    ...swarmCommands(deps),
    ...pairingCommands(deps),
    ...auditCommands(deps),
    ...storageKeyCommands(deps),
  };
  /** Calls that are being answered, by device; bounded by what the channels let in. */
  const running = new Map<DeviceKey, Set<Running>>();
  devices.onAccessChange(({ device }) => {
    for (const { controller, question } of running.get(device) ?? []) {
      if (!authorize({ ...question, now: clock.now() }).allowed) controller.abort(denied('the device lost its right'));
    }
  });

  return async (call) => {
    const name = commandOf(call.method);
    if (!name) throw unknownCommand();
    return answer(name, call);
  };

  async function answer<N extends CommandName>(name: N, call: Call): Promise<CommandResult<N> | undefined> {
    const checked = checkParams(name, call.params);
    if ('problems' in checked) throw paramsRefused(checked.problems);
    const { params } = checked;
    const question = questionOf(name, call, params);
    const { role, right, access, at } = allowed(name, call, question);
    if (question.concern.isMissing) throw segmentMissing();
    const controller = new AbortController();
    const forward = () => controller.abort(cancelled());
    if (call.signal.aborted) forward();
    call.signal.addEventListener('abort', forward, { once: true });
    const entry: Running = { controller, question };
    const calls = running.get(call.caller.device) ?? new Set();
    running.set(call.caller.device, calls.add(entry));
    try {
      if (controller.signal.aborted) throw cancelled();
      const handler: Handler<N> = families[name];
      const result = await handler({ call, params, role, right, access, at, signal: controller.signal });
      tell(name, call, question.concern, result);
      return result;
    } finally {
      call.signal.removeEventListener('abort', forward);
      calls.delete(entry);
      if (calls.size === 0) running.delete(call.caller.device);
    }
  }

  function questionOf<N extends CommandName>(command: N, { caller }: Call, params: CheckedParams<N>): Question {
    const concern = concernOf(vault, params);
    return { caller, command, concern, now: clock.now(), accessOf: (key, now) => devices.accessOf(key, now) };
  }

  function allowed(name: CommandName, call: Call, question: Question): Allowed {
    const decision = authorize(question);
    if (decision.allowed) return decision;
    const { role, reason } = decision;
    log.info({ device: call.caller.device, role, method: methodOf(name), reason }, 'refused a command');
    notes.refused(call, name, reason, question.concern.source);
    throw refusal(name, decision);
  }

  function tell(name: CommandName, call: Call, concern: Concern, result: unknown): void {
    const event = RIGHTS[name].audit;
    if (event && !didNothing(result)) notes.changed(call, event, name, concern);
  }
}

/** What the caller is told: of what it may not know of, the same as if it did not exist. */
function refusal(name: CommandName, { hidden, reason }: Refused) {
  if (!hidden) return denied(reason);
  return name === 'segments.get' ? segmentMissing() : sourceMissing();
}

/** True for `{ removed: false }` and its like: the command found nothing to change. */
function didNothing(result: unknown): boolean {
  const values = Object.values(result ?? {});
  return values.length === 1 && values[0] === false;
}
