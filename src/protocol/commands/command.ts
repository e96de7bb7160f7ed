import type { z } from 'zod';

/**
 * One remote command: its name and version, the schema of what is asked and of what is answered.
 *
 * `params` are strict (an unknown field is refused, so that a misspelt wish is not taken for no wish); readers of a result
 * ignore fields they do not know. `example` is printed in the reference and must satisfy both schemas.
 */
export interface Command<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly version: number;
  /** One or two sentences: what it is for. */
  readonly about: string;
  readonly params: P;
  readonly result: R;
  /** What the DATA units after the reply hold; absent where none follow. */
  readonly data?: string;
  /** Notifications on the stream, by name. */
  readonly events?: Readonly<Record<string, { about: string; params: z.ZodType }>>;
  /** Rules a schema cannot say. */
  readonly notes?: readonly string[];
  readonly example: { readonly params: z.input<P>; readonly result: z.output<R> };
}

/** Declares a command; only there to infer the two schemas. */
export function command<const P extends z.ZodType, const R extends z.ZodType>(shape: Command<P, R>): Command<P, R> {
  return shape;
}
