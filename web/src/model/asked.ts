import { useEffect, useRef, useState } from 'react';
import { EngineFailure } from '../engine/engine.ts';
import type { CommandName, CommandParams, CommandResult, DeviceKey, NodeState } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import type { PageAccess } from './access.ts';
import { useModel } from './model.ts';

/** How long one question may take before it counts as failed. */
const DEADLINE_MS = 12_000;

/** What was answered last, and what went wrong since. */
export interface Asked<T> {
  /** Stays while it is asked again, so that nothing flickers; null before the first answer. */
  value: T | null;
  /** Of the last question; null where it was answered. */
  failure: EngineFailure | null;
  /** Epoch ms of the last answer. */
  at: number | null;
  /** Asks now. */
  again(): void;
}

/**
 * Asks while the component is shown and the page is seen: at once, then every `everyMs` (absent: only once and by `again`). One question at a
 * time. `key` says what is asked; another key forgets the answer. A null `ask` asks nothing.
 */
export function useAsked<T>(
  key: string,
  ask: ((signal: AbortSignal) => Promise<T>) | null,
  everyMs?: number,
): Asked<T> {
  const [state, setState] = useState<{
    key: string;
    value: T | null;
    failure: EngineFailure | null;
    at: number | null;
  }>({ key, value: null, failure: null, at: null });
  const latest = useRef(ask);
  latest.current = ask;
  const again = useRef(() => {});
  const asks = ask !== null;

  useEffect(() => {
    if (!asks) return;
    const life = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let wanted = false;
    const later = () => {
      if (everyMs !== undefined && !life.signal.aborted) timer = setTimeout(run, everyMs);
    };
    const run = async () => {
      clearTimeout(timer);
      if (life.signal.aborted) return;
      if (document.hidden) return;
      if (asking) {
        wanted = true;
        return;
      }
      asking = true;
      try {
        const value = await latest.current?.(AbortSignal.any([life.signal, AbortSignal.timeout(DEADLINE_MS)]));
        if (!life.signal.aborted && value !== undefined) {
          setState((before) => {
            const same = before.key === key && JSON.stringify(before.value) === JSON.stringify(value);
            return { key, value: same ? before.value : value, failure: null, at: Date.now() };
          });
        }
      } catch (error) {
        if (life.signal.aborted) return;
        if (!(error instanceof EngineFailure)) throw error;
        setState((before) => ({
          ...(before.key === key ? before : { key, value: null, at: null }),
          failure: error,
        }));
      } finally {
        asking = false;
        if (wanted) {
          wanted = false;
          void run();
        } else later();
      }
    };
    const seen = () => {
      if (!document.hidden) void run();
    };
    again.current = () => void run();
    document.addEventListener('visibilitychange', seen);
    void run();
    return () => {
      life.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [key, everyMs, asks]);

  const mine = state.key === key;
  return {
    value: mine ? state.value : null,
    failure: mine ? state.failure : null,
    at: mine ? state.at : null,
    again: () => again.current(),
  };
}

/** One command of a node, asked as `useAsked` does; null params ask nothing. */
export function useCommand<N extends CommandName>(
  node: DeviceKey,
  name: N,
  params: CommandParams<N> | null,
  everyMs?: number,
): Asked<CommandResult<N>> {
  const { engine } = useModel();
  const key = `${node} ${name} ${JSON.stringify(params)}`;
  return useAsked(key, params === null ? null : (signal) => engine.call(node, name, params, signal), everyMs);
}

/** What this device may at a node; null while its link is away, and until it was told. */
export function useAccess(node: DeviceKey): PageAccess | null {
  const { engine, cameras } = useModel();
  const open = useStore(engine.nodes).some((each) => each.node === node && each.link.kind === 'open');
  const access = useStore(cameras.access).get(node);
  return (open && access) || null;
}

/** What this device may at each of the nodes whose link is open. */
export function useAccesses(nodes: readonly NodeState[]): ReadonlyMap<DeviceKey, PageAccess> {
  const { cameras } = useModel();
  const told = useStore(cameras.access);
  return new Map(
    nodes
      .filter(({ link }) => link.kind === 'open')
      .flatMap(({ node }) => {
        const access = told.get(node);
        return access ? [[node, access]] : [];
      }),
  );
}

/** Every page of a list. */
export async function everyPage<T, P extends { cursor?: string | undefined }>(
  ask: (cursor: string | undefined) => Promise<P>,
  items: (page: P) => readonly T[],
  most = 2_048,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    found.push(...items(page));
    cursor = page.cursor;
  } while (cursor && found.length < most);
  return found;
}
