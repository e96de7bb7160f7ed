import { renderUnicodeCompact } from 'uqr';
import { type DeviceKey, spokenFingerprint } from '../protocol/index.ts';

/** The first 128 bits of a node's key in groups of four: short enough to read aloud, long enough not to be imitated. */
export function fingerprintOf(nodeId: DeviceKey): string {
  return nodeId.slice(0, 32).match(/.{4}/g)!.join(' ');
}

export interface GreetingFacts {
  nodeId: DeviceKey;
  version: string;
  folder: string;
  listening: readonly string[];
  sources: readonly { id: string; name: string; enabled: boolean; streams: readonly string[] }[];
  devices: number;
  /** Address of the viewer, or null. */
  viewer: string | null;
  /** Things that do not keep the node from running; each one line. */
  remarks: readonly string[];
}

/** What `start` prints once the node is up. */
export function greetingText(facts: GreetingFacts): string {
  const { nodeId, version, folder, listening, sources, devices, viewer, remarks } = facts;
  const recorded = sources.map(({ id, name, enabled, streams }) => {
    const title = name === id ? '' : ` (${name})`;
    return `  ${id}${title}: ${enabled ? streams.join(' and ') : 'disabled'}`;
  });
  return [
    `Constitute NVR ${version}`,
    `node         ${fingerprintOf(nodeId)}`,
    `in words     ${spokenFingerprint(nodeId)}`,
    `listening    ${listening.join(', ')}`,
    `data         ${folder}`,
    `recording    ${recorded.length === 0 ? 'nothing: no source is configured' : ''}`.trimEnd(),
    ...recorded,
    ...(viewer === null ? [] : [`viewer       ${viewer}`]),
    `devices      ${devices === 0 ? 'none paired yet' : `${devices} paired`}`,
    ...remarks.map((each) => `note         ${each}`),
    '',
  ].join('\n');
}

/** An invitation as text and as a QR code for a dark terminal or a light one. */
export function invitationText(
  invitation: { text: string; expiresAt: number },
  now: number,
  options: { qr: boolean } = { qr: true },
): string {
  const minutes = Math.max(1, Math.round((invitation.expiresAt - now) / 60_000));
  const isAddress = invitation.text.includes('#');
  return [
    `To pair a device, within ${minutes} minutes and once${isAddress ? ', open this address in its browser' : ''}:`,
    '',
    ...(isAddress ? [`  ${invitation.text}`, '', 'or pair the command line:', ''] : []),
    `  bin/constitute-nvr client pair '${invitation.text}'`,
    '',
    ...(options.qr ? [renderUnicodeCompact(invitation.text, { border: 2, ecc: 'L' }), ''] : []),
  ].join('\n');
}
