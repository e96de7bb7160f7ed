import { z } from 'zod';
import type { SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field } from './fields.ts';

const share = () =>
  z.number().min(0).max(1).optional().meta({ description: 'of the camera’s own range; absent where it has none' });
const settings = () => ({
  brightness: share(),
  contrast: share(),
  saturation: share(),
  sharpness: share(),
  irCut: z
    .enum(['on', 'off', 'auto'])
    .optional()
    .meta({ description: 'the filter that keeps infrared out: `on` by day' }),
});

/** How a camera makes its picture. */
export const imagingGet = command({
  name: 'imaging.get',
  version: 1,
  about: 'How a camera makes its picture, as far as it lets that be changed.',
  params: z.strictObject({ source: field.sourceId() }),
  result: z.object(settings()),
  example: {
    params: { source: 'yard' as SourceId },
    result: { brightness: 0.5, contrast: 0.5, saturation: 0.6, irCut: 'auto' as const },
  },
});

/** Changes it. */
export const imagingSet = command({
  name: 'imaging.set',
  version: 1,
  about: 'Changes how a camera makes its picture; what is absent stays. Tells what the camera has afterwards.',
  params: z
    .strictObject({ source: field.sourceId(), ...settings() })
    .refine((wish) => Object.values(wish).filter((value) => value !== undefined).length > 1, 'something to change'),
  result: z.object(settings()),
  notes: ['Cameras round to steps of their own: what is told may differ a little from what was asked.'],
  example: {
    params: { source: 'yard' as SourceId, brightness: 0.6 },
    result: { brightness: 0.6, contrast: 0.5, saturation: 0.6, irCut: 'auto' as const },
  },
});
