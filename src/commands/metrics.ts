import type { VaultStatus } from '../vault/index.ts';
import type { SourceView } from './views.ts';

/** What `GET /metrics` is made of. */
export interface MetricsFacts {
  version: string;
  uptimeS: number;
  sources: readonly SourceView[];
  vault: VaultStatus;
  channels: { open: number; accepted: number; refused: number; bytesIn: number; bytesOut: number };
  live: { subscriptions: number; droppedFragments: number };
  audit: { entries: number; lost: number };
  /** How often each verdict was given on events about identity and revocation. */
  identityVerdicts: Readonly<Record<string, number>>;
  /** Null where the node is in no swarm. */
  swarm: {
    peers: number;
    confirmed: number;
    records: number;
    datagramsIn: number;
    datagramsOut: number;
    bytesIn: number;
    bytesOut: number;
    sendErrors: number;
    recordsAdmitted: number;
    signatureChecks: number;
    refused: Readonly<Record<string, number>>;
  } | null;
}

type Labels = Readonly<Record<string, string>>;

/**
 * The body of `GET /metrics` in the text format of Prometheus: counts and sizes, ids of sources, no address, no name of a person or
 * a device, no key. Counters begin at 0 with the process.
 */
export function metricsText(facts: MetricsFacts): string {
  const lines: string[] = [];
  const tell = (name: string, type: 'gauge' | 'counter', help: string, values: [Labels, number][]) => {
    lines.push(`# HELP nvr_${name} ${help}`, `# TYPE nvr_${name} ${type}`);
    for (const [labels, value] of values) lines.push(`nvr_${name}${labelText(labels)} ${value}`);
  };
  const one = (value: number): [Labels, number][] => [[{}, value]];
  const { vault, channels, live, audit, identityVerdicts, swarm } = facts;

  tell('info', 'gauge', 'Always 1; the version is a label.', [[{ version: facts.version }, 1]]);
  tell('uptime_seconds', 'gauge', 'Since the process began.', one(facts.uptimeS));

  const streams = facts.sources.flatMap(({ id, streams }) =>
    streams.map((view) => ({ labels: { source: id, stream: view.stream }, ...view })),
  );
  tell(
    'stream_running',
    'gauge',
    '1 while pictures of this stream come.',
    streams.map(({ labels, status }) => [labels, status.state === 'running' ? 1 : 0]),
  );
  tell(
    'stream_restarts_total',
    'counter',
    'Runs begun after the first.',
    streams.map(({ labels, status }) => [labels, status.restarts]),
  );
  tell(
    'stream_bits_per_second',
    'gauge',
    'Measured lately; 0 where nothing was.',
    streams.map(({ labels, status }) => [labels, Math.round(status.bitsPerSecond ?? 0)]),
  );
  tell(
    'stream_last_fragment_seconds',
    'gauge',
    'Unix time at which the last fragment came; 0 where none did.',
    streams.map(({ labels, status }) => [labels, (status.lastFragmentAt ?? 0) / 1000]),
  );
  tell(
    'stream_recording',
    'gauge',
    '1 for what happens to pictures that come now: yes, event and unsure store them, schedule, waiting and never do not.',
    streams.flatMap(({ labels, recording }) => (recording ? [[{ ...labels, recording }, 1]] : [])),
  );
  tell(
    'stream_gop_seconds',
    'gauge',
    'Between the last two keyframes; 0 where nothing was measured.',
    streams.map(({ labels, status }) => [labels, (status.gopMs ?? 0) / 1000]),
  );
  tell(
    'stream_frames_per_second',
    'gauge',
    'Measured lately; 0 where nothing was.',
    streams.map(({ labels, status }) => [labels, status.framesPerSecond ?? 0]),
  );
  tell('stream_lost_total', 'counter', 'Fragments not used, packets not arrived, fragments not held until an event.', [
    ...streams.map(({ labels, status }): [Labels, number] => [
      { ...labels, what: 'fragments' },
      status.droppedFragments ?? 0,
    ]),
    ...streams.map(({ labels, status }): [Labels, number] => [{ ...labels, what: 'packets' }, status.lostPackets ?? 0]),
    ...streams.map(({ labels, heldCut }): [Labels, number] => [{ ...labels, what: 'held' }, heldCut ?? 0]),
  ]);
  tell(
    'stream_held_bytes',
    'gauge',
    'Pictures in memory that wait for an event.',
    streams.map(({ labels, heldBytes }) => [labels, heldBytes ?? 0]),
  );
  const clocks = facts.sources.flatMap(({ id, camera }) =>
    camera?.clock ? [{ source: id, clock: camera.clock }] : [],
  );
  tell(
    'camera_clock_offset_seconds',
    'gauge',
    "The camera's clock minus the node's.",
    clocks.map(({ source, clock }) => [{ source }, clock.offsetMs / 1000]),
  );
  tell(
    'camera_clock_drift_ms_per_day',
    'gauge',
    "How fast the camera's clock runs away; absent before an hour was seen.",
    clocks.flatMap(({ source, clock }) => (clock.driftMsPerDay === null ? [] : [[{ source }, clock.driftMsPerDay]])),
  );

  tell('storage_ok', 'gauge', '1 while recordings can be stored.', one(vault.state === 'ok' ? 1 : 0));
  tell('storage_segments', 'gauge', 'Closed segments.', one(vault.segments));
  tell('storage_bytes', 'gauge', 'Bytes of closed segments.', one(vault.sizeBytes));
  tell('storage_free_bytes', 'gauge', 'Free on the volume.', one(vault.freeBytes));
  tell('storage_log_leaves', 'gauge', 'Leaves of the log.', one(vault.leaves));

  tell('channels_open', 'gauge', 'Open channels.', one(channels.open));
  tell('channels_accepted_total', 'counter', 'Handshakes that ended in a channel.', one(channels.accepted));
  tell('channels_refused_total', 'counter', 'Connections and handshakes refused.', one(channels.refused));
  tell('channel_bytes_total', 'counter', 'Bytes through channels.', [
    [{ direction: 'in' }, channels.bytesIn],
    [{ direction: 'out' }, channels.bytesOut],
  ]);
  tell('live_subscriptions', 'gauge', 'Live pictures being watched.', one(live.subscriptions));
  tell('live_dropped_total', 'counter', 'Fragments that slow viewers missed.', one(live.droppedFragments));

  tell('audit_entries', 'gauge', 'Entries of the audit log.', one(audit.entries));
  tell('audit_lost_total', 'counter', 'Entries that could not be written.', one(audit.lost));

  tell(
    'identity_events_total',
    'counter',
    'Events about identity and revocation, by what was decided (docs/protocol/grants.md).',
    Object.entries(identityVerdicts).map(([verdict, count]) => [{ verdict }, count]),
  );

  if (swarm) {
    tell('swarm_peers', 'gauge', 'Peers in the table.', [
      [{ state: 'confirmed' }, swarm.confirmed],
      [{ state: 'waiting' }, swarm.peers - swarm.confirmed],
    ]);
    tell('swarm_records', 'gauge', 'Records held.', one(swarm.records));
    tell('swarm_datagrams_total', 'counter', 'Datagrams.', [
      [{ direction: 'in' }, swarm.datagramsIn],
      [{ direction: 'out' }, swarm.datagramsOut],
    ]);
    tell('swarm_bytes_total', 'counter', 'Bytes of datagrams.', [
      [{ direction: 'in' }, swarm.bytesIn],
      [{ direction: 'out' }, swarm.bytesOut],
    ]);
    tell('swarm_send_errors_total', 'counter', 'Datagrams the system did not take.', one(swarm.sendErrors));
    tell('swarm_records_admitted_total', 'counter', 'Records taken.', one(swarm.recordsAdmitted));
    tell('swarm_signature_checks_total', 'counter', 'Signatures checked.', one(swarm.signatureChecks));
    tell(
      'swarm_refused_total',
      'counter',
      'Datagrams and records refused, by reason (docs/protocol/swarm.md).',
      Object.entries(swarm.refused).map(([reason, count]) => [{ reason }, count]),
    );
  }
  return `${lines.join('\n')}\n`;
}

function labelText(labels: Labels): string {
  const told = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, '_')}"`);
  return told.length > 0 ? `{${told.join(',')}}` : '';
}
