import { countOf, type JsonObject, readObject, textOf } from './strict-json.ts';

/** Most segments of one listing, whatever is asked for. */
export const LIST_MAX = 500;
const LIST_STANDARD = 30;

/** A camera as the first version describes it. */
export interface WishedSource {
  sourceId: string;
  name: string;
  onvifHost: string;
  onvifPort: number;
  rtspUrl: string;
  username: string;
  password: string;
  enabled: boolean;
  segmentSecs: number;
}

/** A command of the old wire, with its defaults filled in and its counts bounded. Texts are as sent: nothing is looked up yet. */
export type Request =
  | { cmd: 'list_sources' | 'list_source_states' | 'discover_onvif' }
  | { cmd: 'list_segments'; sourceId: string; limit: number }
  | { cmd: 'get_segment'; sourceId: string; name: string }
  | { cmd: 'upsert_source'; source: WishedSource }
  | { cmd: 'remove_source'; sourceId: string }
  /** Known to the first version, and not to this node. */
  | { cmd: 'unsupported' };

const UNSUPPORTED: ReadonlySet<string> = new Set([
  'discover_reolink',
  'probe_reolink',
  'read_reolink_state',
  'apply_reolink_state',
  'setup_reolink',
  'bootstrap_reolink',
]);

/** The command in a decrypted text, or null where it is none: not JSON, an unknown `cmd`, a field missing or of another type. Total. */
export function parseRequest(text: string): Request | null {
  const object = readObject(text);
  const cmd = object && textOf(object, 'cmd');
  if (!object || cmd === null) return null;
  switch (cmd) {
    case 'list_sources':
    case 'list_source_states':
    case 'discover_onvif':
      return { cmd };
    case 'list_segments': {
      const sourceId = textOf(object, 'sourceId');
      const limit = object.get('limit') == null ? LIST_STANDARD : countOf(object, 'limit');
      if (sourceId === null || limit === null) return null;
      return { cmd, sourceId, limit: Math.min(Math.max(limit, 1), LIST_MAX) };
    }
    case 'get_segment': {
      const [sourceId, name] = [textOf(object, 'sourceId'), textOf(object, 'name')];
      return sourceId === null || name === null ? null : { cmd, sourceId, name };
    }
    case 'upsert_source': {
      const source = object.get('source');
      const wished = source instanceof Map ? wishedSource(source) : null;
      return wished && { cmd, source: wished };
    }
    case 'remove_source': {
      const sourceId = textOf(object, 'sourceId');
      return sourceId === null ? null : { cmd, sourceId };
    }
    default:
      return UNSUPPORTED.has(cmd) ? { cmd: 'unsupported' } : null;
  }
}

function wishedSource(object: JsonObject): WishedSource | null {
  const [sourceId, name] = [textOf(object, 'sourceId'), textOf(object, 'name')];
  const [onvifHost, rtspUrl] = [textOf(object, 'onvifHost'), textOf(object, 'rtspUrl')];
  const [username, password] = [orText(object, 'username'), orText(object, 'password')];
  const onvifPort = object.has('onvifPort') ? countOf(object, 'onvifPort', 65_535) : 80;
  const segmentSecs = object.has('segmentSecs') ? countOf(object, 'segmentSecs') : 10;
  const enabled = object.has('enabled') ? object.get('enabled') : true;
  if (sourceId === null || name === null || onvifHost === null || rtspUrl === null) return null;
  if (username === null || password === null || onvifPort === null || segmentSecs === null) return null;
  if (typeof enabled !== 'boolean') return null;
  const spaced = { sourceId, name, onvifHost, rtspUrl, username, password };
  return { ...spaced, onvifPort, enabled, segmentSecs: Math.max(segmentSecs, 2) };
}

function orText(object: JsonObject, name: string): string | null {
  return object.has(name) ? textOf(object, name) : '';
}
