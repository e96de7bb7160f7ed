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
} from '../protocol/index.ts';
import { authorize } from './authorize.ts';
import { deviceCommands } from './devices.ts';
import { cancelled, denied, paramsRefused, unknownCommand } from './errors.ts';
import type { CommandDeps, Family, Granted, Handler } from './handler.ts';
import { liveCommands } from './live.ts';
import { segmentCommands } from './segments.ts';
import { sourceCommands } from './sources.ts';
import { statusCommands } from './status.ts';

/**
 * Answers every call of every channel: finds the command, checks its params, asks `authorize`, lets its family answer.
 *
 * A device that is removed, or whose role changes, has its running calls aborted at that moment (the daemon closes its
 * channels too). Rejects with `ERR_COMMANDS_UNKNOWN` (`missing`), `ERR_COMMANDS_PARAMS` (`invalid`),
 * `ERR_COMMANDS_DENIED` (`denied`), or what the family throws.
 */
export function createCommands(deps: CommandDeps): CallHandler {
  const { clock, log, devices } = deps;
  const families: Family<CommandName> = {
    ...sourceCommands(deps),
    ...segmentCommands(deps),
    ...liveCommands(deps),
    ...statusCommands(deps),
    ...deviceCommands(deps),
  };
  /** Calls that are being answered, by device; bounded by what the channels let in. */
  const running = new Map<DeviceKey, Set<AbortController>>();
  devices.onLoss(({ device }) => {
    for (const controller of running.get(device) ?? []) controller.abort(denied('the device lost its right'));
  });

  return async (call) => {
    const name = commandOf(call.method);
    if (!name) throw unknownCommand();
    return answer(name, call);
  };

  async function answer<N extends CommandName>(name: N, call: Call): Promise<CommandResult<N> | undefined> {
    const checked = checkParams(name, call.params);
    if ('problems' in checked) throw paramsRefused(checked.problems);
    const granted = ask(name, call, checked.params);
    const controller = new AbortController();
    const forward = () => controller.abort(cancelled());
    if (call.signal.aborted) forward();
    call.signal.addEventListener('abort', forward, { once: true });
    const calls = running.get(call.caller.device) ?? new Set();
    running.set(call.caller.device, calls.add(controller));
    try {
      if (controller.signal.aborted) throw cancelled();
      const handler: Handler<N> = families[name];
      return await handler({ ...granted, signal: controller.signal });
    } finally {
      call.signal.removeEventListener('abort', forward);
      calls.delete(controller);
      if (calls.size === 0) running.delete(call.caller.device);
    }
  }

  function ask<N extends CommandName>(name: N, call: Call, params: CheckedParams<N>): Omit<Granted<N>, 'signal'> {
    const { caller } = call;
    const decision = authorize({
      caller,
      command: name,
      params,
      now: clock.now(),
      roleOf: (key) => devices.roleOf(key),
    });
    if (!decision.allowed) {
      const { role, reason } = decision;
      log.info({ device: caller.device, role, method: methodOf(name), reason }, 'refused a command');
      throw denied(reason);
    }
    return { call, params, role: decision.role, right: decision.right };
  }
}
