import type { z } from 'zod';
import { auditList } from './audit.ts';
import { camerasDiscover } from './cameras.ts';
import { devicesInvite, devicesList, devicesRemove, devicesRename, invitationsRemove } from './devices.ts';
import { eventsList, eventsWatch } from './events.ts';
import { accessGet, grantsClock, grantsList, grantsPut, grantsRevoke } from './grants.ts';
import { imagingGet, imagingSet } from './imaging.ts';
import { camerasTime, camerasView } from './kept-cameras.ts';
import { liveSubscribe, liveUnsubscribe } from './live.ts';
import {
  pairingApprove,
  pairingCancel,
  pairingCode,
  pairingConfirm,
  pairingPending,
  pairingReject,
} from './pairing.ts';
import { ptzForget, ptzGoto, ptzHold, ptzMove, ptzPresets, ptzRecall, ptzSave, ptzStatus, ptzStop } from './ptz.ts';
import { rangeRead, segmentsGet, segmentsList } from './segments.ts';
import { snapshotsGet } from './snapshots.ts';
import { sourcesRemove, sourcesUpsert } from './source-changes.ts';
import { sourcesSettings } from './source-settings.ts';
import { sourcesTest } from './source-test.ts';
import { sourcesList, sourcesStates } from './sources.ts';
import { statusGet } from './status.ts';
import { keysRewrap } from './storage-keys.ts';
import { swarmStatus } from './swarm.ts';
import { calendarDays, gapsList, timelineCoverage } from './timeline.ts';

/** Every command of version 1, in the order of the reference. */
export const COMMANDS = {
  'sources.list': sourcesList,
  'sources.states': sourcesStates,
  'sources.upsert': sourcesUpsert,
  'sources.settings': sourcesSettings,
  'sources.remove': sourcesRemove,
  'sources.test': sourcesTest,
  'cameras.discover': camerasDiscover,
  'cameras.view': camerasView,
  'cameras.time': camerasTime,
  'ptz.hold': ptzHold,
  'ptz.move': ptzMove,
  'ptz.stop': ptzStop,
  'ptz.goto': ptzGoto,
  'ptz.recall': ptzRecall,
  'ptz.presets': ptzPresets,
  'ptz.save': ptzSave,
  'ptz.forget': ptzForget,
  'ptz.status': ptzStatus,
  'imaging.get': imagingGet,
  'imaging.set': imagingSet,
  'snapshots.get': snapshotsGet,
  'segments.list': segmentsList,
  'segments.get': segmentsGet,
  'range.read': rangeRead,
  'timeline.coverage': timelineCoverage,
  'calendar.days': calendarDays,
  'gaps.list': gapsList,
  'live.subscribe': liveSubscribe,
  'live.unsubscribe': liveUnsubscribe,
  'events.list': eventsList,
  'events.watch': eventsWatch,
  'status.get': statusGet,
  'access.get': accessGet,
  'devices.list': devicesList,
  'devices.invite': devicesInvite,
  'invitations.remove': invitationsRemove,
  'devices.remove': devicesRemove,
  'devices.rename': devicesRename,
  'grants.list': grantsList,
  'grants.put': grantsPut,
  'grants.revoke': grantsRevoke,
  'grants.clock': grantsClock,
  'pairing.code': pairingCode,
  'pairing.cancel': pairingCancel,
  'pairing.pending': pairingPending,
  'pairing.approve': pairingApprove,
  'pairing.reject': pairingReject,
  'pairing.confirm': pairingConfirm,
  'swarm.status': swarmStatus,
  'audit.list': auditList,
  'keys.rewrap': keysRewrap,
} as const;

/** Name of a command without its version. */
export type CommandName = keyof typeof COMMANDS;
/** What a caller may write (defaults left out). */
export type CommandParams<N extends CommandName> = z.input<(typeof COMMANDS)[N]['params']>;
/** What a handler gets: checked, defaults filled in. */
export type CheckedParams<N extends CommandName> = z.output<(typeof COMMANDS)[N]['params']>;
/** What a caller gets. */
export type CommandResult<N extends CommandName> = z.output<(typeof COMMANDS)[N]['result']>;

const METHOD = /^([a-z]{1,24}\.[a-z]{1,24})(?:@([1-9][0-9]{0,2}))?$/;

/** The command a method text names (`segments.list@1`; without a version: 1), or null where there is none. Total. */
export function commandOf(method: unknown): CommandName | null {
  const parts = typeof method === 'string' ? METHOD.exec(method) : null;
  if (!parts) return null;
  const name = parts[1]!;
  if (!Object.hasOwn(COMMANDS, name)) return null;
  const known = name as CommandName;
  return COMMANDS[known].version === Number(parts[2] ?? 1) ? known : null;
}

/** The method text of a command, with its version. */
export function methodOf(name: CommandName): string {
  return `${name}@${COMMANDS[name].version}`;
}

/** Checked params, or the places and rules that were broken; what the caller wrote is never repeated. Total. */
export function checkParams<N extends CommandName>(
  name: N,
  params: unknown,
): { params: CheckedParams<N> } | { problems: string } {
  const checked = COMMANDS[name].params.safeParse(params === undefined ? {} : params);
  if (checked.success) return { params: checked.data as CheckedParams<N> };
  return { problems: describeIssues(checked.error.issues) };
}

/** A result as its schema knows it (unknown fields dropped), or the places and rules that were broken. Total. */
export function checkResult<N extends CommandName>(
  name: N,
  result: unknown,
): { result: CommandResult<N> } | { problems: string } {
  const checked = COMMANDS[name].result.safeParse(result);
  if (checked.success) return { result: checked.data as CommandResult<N> };
  return { problems: describeIssues(checked.error.issues) };
}

/** Names paths and rules only: zod's own messages may quote what was sent. */
function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const told = issues.slice(0, 5).map((issue) => {
    const path = issue.path.map(String).join('.') || 'params';
    return `${path}: ${ruleOf(issue)}`;
  });
  return told.join('; ') + (issues.length > 5 ? `; and ${issues.length - 5} more` : '');
}

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'invalid_format':
      // Only a rule of ours begins so; what zod itself says may quote what was sent.
      return issue.message.startsWith('expected ') ? issue.message : 'expected another form';
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}`;
    case 'unrecognized_keys':
      return 'expected no further field';
    case 'custom':
      return `expected ${issue.message}`;
    default:
      return 'not as described';
  }
}
