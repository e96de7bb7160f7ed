import { join } from 'node:path';
import { fromUtf8, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files } from '../platform/index.ts';
import { encodeAddress, INVITATION_ADDRESSES_MAX } from '../protocol/index.ts';

/** What a running node tells its own command line tools, in `node.json`; a stale one does no harm. */
export interface NodeState {
  pid: number;
  /** Epoch ms. */
  startedAt: number;
  /** `host:port` at which it is reached from elsewhere, best first. */
  addresses: string[];
  /** `host:port` at which it is reached from this machine. */
  local: string[];
}

const BYTES_MAX = 64 * 1024;
const pathIn = (folder: string) => join(folder, 'node.json');

export async function writeNodeState(files: Files, folder: string, state: NodeState): Promise<void> {
  await files.replace(pathIn(folder), utf8(`${JSON.stringify(state)}\n`), { mode: 0o600 });
}

/** What the node said when it last started, or null where there is nothing that can be used. */
export async function readNodeState(files: Files, folder: string): Promise<NodeState | null> {
  try {
    const json = JSON.parse(fromUtf8(await files.read(pathIn(folder), BYTES_MAX)) ?? '') as Partial<NodeState> | null;
    const { pid, startedAt, addresses, local } = json ?? {};
    if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(startedAt)) return null;
    return { pid: pid!, startedAt: startedAt!, addresses: usable(addresses), local: usable(local) };
  } catch (error) {
    if (error instanceof SyntaxError || isNvrError(error)) return null;
    throw error;
  }
}

export async function removeNodeState(files: Files, folder: string): Promise<void> {
  await files.remove(pathIn(folder)).catch((error) => {
    if (!isNvrError(error, 'missing')) throw error;
  });
}

function usable(addresses: unknown): string[] {
  if (!Array.isArray(addresses)) return [];
  const read = addresses.filter((each): each is string => typeof each === 'string' && encodeAddress(each) !== null);
  return read.slice(0, INVITATION_ADDRESSES_MAX);
}
