/** What a camera may tell of; `line`: somebody crossed a line or entered a region, `input`: a digital input. */
export const CAMERA_EVENT_KINDS = ['motion', 'tamper', 'line', 'input'] as const;
export type CameraEventKind = (typeof CAMERA_EVENT_KINDS)[number];

/** When a stream is recorded while its schedule allows it: always, never, or while an event goes on. */
export const RECORD_MODES = ['always', 'event', 'never'] as const;
export type RecordMode = (typeof RECORD_MODES)[number];

/**
 * What happens to the pictures of a stream as they come: stored (`yes`; `event`, while one goes on; `unsure`, because nobody can tell of
 * events), or not (`schedule`: not at this time; `waiting` for an event; `never`).
 */
export const RECORDING_STATES = ['yes', 'schedule', 'waiting', 'event', 'unsure', 'never'] as const;
export type RecordingState = (typeof RECORDING_STATES)[number];
