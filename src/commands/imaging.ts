import type { Imaging } from '../cameras/index.ts';
import { askCamera, requireSource } from './camera-trouble.ts';
import type { CommandDeps, Family } from './handler.ts';

const SHARES = ['brightness', 'contrast', 'saturation', 'sharpness'] as const;

/** `imaging.get`, `imaging.set`. */
export function imagingCommands({
  cameras,
  sources,
}: Pick<CommandDeps, 'cameras' | 'sources'>): Family<'imaging.get' | 'imaging.set'> {
  return {
    async 'imaging.get'({ params: { source }, signal }) {
      requireSource(sources, source);
      return askCamera(signal, async () => told(await cameras.driver(source).imaging.get(signal)));
    },

    async 'imaging.set'({ params: { source, ...wish }, signal }) {
      requireSource(sources, source);
      return askCamera(signal, async () => {
        const { imaging } = cameras.driver(source);
        await imaging.set(told(wish), signal);
        return told(await imaging.get(signal));
      });
    },
  };
}

/** What is there, in range, and nothing else. */
function told(imaging: { [K in keyof Imaging]: Imaging[K] | undefined }): Imaging {
  const { irCut } = imaging;
  const shares = SHARES.flatMap((key) => {
    const share = imaging[key];
    return share === undefined ? [] : [[key, Math.min(Math.max(share, 0), 1)] as const];
  });
  return { ...Object.fromEntries(shares), ...(irCut === undefined ? {} : { irCut }) };
}
