/** Which stream of a source: full size, or the small one for grids. */
export type StreamName = 'main' | 'sub';

/** A configured camera's name: `[a-z0-9][a-z0-9_-]{0,62}`. */
export type SourceId = string & { readonly brand: 'SourceId' };

/** 16 random bytes per recorded stream, as 32 lower-case hex characters; assigned once. */
export type StreamId = string & { readonly brand: 'StreamId' };

/** 16 random bytes per segment, as 32 lower-case hex characters. */
export type SegmentId = string & { readonly brand: 'SegmentId' };

/** A device's secp256k1 x-only public key, as 64 lower-case hex characters. The node itself is a device. */
export type DeviceKey = string & { readonly brand: 'DeviceKey' };

/** The rule of source ids, for messages. */
export const SOURCE_ID_RULE = '[a-z0-9][a-z0-9_-]{0,62}';

const SOURCE_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const HEX_16 = /^[0-9a-f]{32}$/;
const HEX_32 = /^[0-9a-f]{64}$/;

export const isSourceId = (text: string): text is SourceId => SOURCE_ID.test(text);
export const isStreamId = (text: string): text is StreamId => HEX_16.test(text);
export const isSegmentId = (text: string): text is SegmentId => HEX_16.test(text);
export const isDeviceKey = (text: string): text is DeviceKey => HEX_32.test(text);
export const isStreamName = (text: string): text is StreamName => text === 'main' || text === 'sub';
