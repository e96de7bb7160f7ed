import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Engine } from '../../engine/engine.ts';
import type { Camera } from '../../model/cameras.ts';
import { useModel } from '../../model/model.ts';
import { Icon } from '../../ui/index.ts';
import { drawStill, newestStill } from './still.ts';

/** Pixels across of a kept picture; drawn at half of it on dense screens. */
const WIDTH = 256;
/** A picture is asked anew after this, while it is seen. */
const FRESH_MS = 30_000;
/** Most pictures kept; the oldest go. */
const KEPT_MAX = 128;
/** At one time; the node gives one channel four. */
const AT_ONCE = 2;

const kept = new Map<string, { bitmap: ImageBitmap; at: number }>();
let running = 0;
const waiting: (() => void)[] = [];

/** The newest picture of a camera, small; asked while it is seen, drawn over the one before. */
export function LastPicture({ camera }: { camera: Camera }) {
  const { engine } = useModel();
  const { t } = useTranslation('cameras');
  const { key, node, source } = camera;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drawn, setDrawn] = useState(kept.has(key));
  const streams = camera.streams.filter(({ stream }) => camera.states[stream]?.state === 'running');
  const stream = streams.find((each) => each.stream === 'sub')?.stream ?? streams[0]?.stream;
  const asks = camera.reachable && stream !== undefined;

  useEffect(() => {
    const target = canvas.current;
    if (!target) return;
    const before = kept.get(key);
    if (before) draw(target, before.bitmap);
    if (!asks || !stream) return;
    const life = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      clearTimeout(timer);
      const age = Date.now() - (kept.get(key)?.at ?? 0);
      if (!document.hidden && age >= FRESH_MS) {
        const picture = await take(engine, { key, node, source }, stream, life.signal);
        if (life.signal.aborted) return;
        if (picture) {
          draw(target, picture);
          setDrawn(true);
        }
      }
      timer = setTimeout(run, FRESH_MS);
    };
    const seen = new IntersectionObserver((entries) => {
      clearTimeout(timer);
      if (entries.at(-1)?.isIntersecting) void run();
    });
    seen.observe(target);
    return () => {
      life.abort();
      clearTimeout(timer);
      seen.disconnect();
    };
  }, [engine, key, node, source, asks, stream]);

  return (
    <span className="cameras-picture" data-old={asks ? undefined : ''}>
      <canvas ref={canvas} width={16} height={9} role="img" aria-label={t('list.picture', { name: camera.name })} />
      {!drawn && <Icon name="cameras" />}
    </span>
  );
}

/** One after the other; null where none came: the row's words say why. */
async function take(
  engine: Engine,
  camera: Pick<Camera, 'key' | 'node' | 'source'>,
  stream: 'main' | 'sub',
  signal: AbortSignal,
): Promise<ImageBitmap | null> {
  while (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    if (signal.aborted) return null;
    const still = await newestStill(engine, camera.node, camera.source, stream, signal);
    const bitmap = await drawStill(still, WIDTH);
    kept.delete(camera.key);
    kept.set(camera.key, { bitmap, at: Date.now() });
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
    return bitmap;
  } catch {
    return null;
  } finally {
    running--;
    waiting.shift()?.();
  }
}

export function draw(canvas: HTMLCanvasElement, bitmap: ImageBitmap): void {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
}
