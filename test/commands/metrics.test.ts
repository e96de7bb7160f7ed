import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MetricsFacts, metricsText } from '../../src/commands/index.ts';
import type { SourceId, StreamId } from '../../src/protocol/index.ts';

const facts: MetricsFacts = {
  version: '0.1.0',
  uptimeS: 12,
  sources: [
    {
      id: 'front' as SourceId,
      name: 'Front "door"',
      enabled: true,
      streams: [
        {
          stream: 'main',
          streamId: '00'.repeat(16) as StreamId,
          status: {
            state: 'running',
            since: 0,
            restarts: 2,
            bitsPerSecond: 4_000_000.4,
            lastFragmentAt: 1500,
            tracks: [],
          },
        },
        {
          stream: 'sub',
          streamId: '11'.repeat(16) as StreamId,
          status: { state: 'backoff', since: 0, restarts: 0, reason: 'rtsp://u:p@10.0.0.1', tracks: [] },
        },
      ],
    },
  ],
  vault: {
    segments: 3,
    sizeBytes: 30,
    oldestUs: null,
    freeBytes: 7,
    totalBytes: 9,
    state: 'full',
    leaves: 5,
    daysLeft: null,
  },
  channels: { open: 1, accepted: 4, refused: 2, bytesIn: 10, bytesOut: 20 },
  live: { subscriptions: 1, droppedFragments: 0 },
  audit: { entries: 8, lost: 0 },
  identityVerdicts: { obeyed: 1 },
  swarm: null,
};

test('every line is a comment or a sample, each metric is described once', () => {
  const swarm = {
    peers: 3,
    confirmed: 1,
    records: 2,
    datagramsIn: 5,
    datagramsOut: 6,
    bytesIn: 7,
    bytesOut: 8,
    sendErrors: 0,
    recordsAdmitted: 2,
    signatureChecks: 3,
    refused: { stranger: 4 },
  };
  const lines = metricsText({ ...facts, swarm })
    .trimEnd()
    .split('\n');
  const described = new Map<string, string>();
  for (const line of lines) {
    const type = /^# TYPE (nvr_[a-z_]+) (gauge|counter)$/.exec(line);
    if (type) {
      assert.ok(!described.has(type[1]!), `${type[1]} twice`);
      described.set(type[1]!, type[2]!);
      assert.equal(type[2] === 'counter', type[1]!.endsWith('_total'), type[1]);
    } else if (!line.startsWith('# HELP ')) {
      const sample = /^(nvr_[a-z_]+)(\{(?:[a-z]+="[^"\\\n]*",?)+\})? \d+(\.\d+)?$/.exec(line);
      assert.ok(sample, line);
      assert.ok(described.has(sample[1]!), line);
    }
  }
  assert.ok(lines.includes('nvr_swarm_refused_total{reason="stranger"} 4'));
  assert.ok(lines.includes('nvr_swarm_peers{state="waiting"} 2'));
});

test('streams, storage and channels are told; names, reasons and addresses are not', () => {
  const text = metricsText(facts);
  for (const line of [
    'nvr_stream_running{source="front",stream="main"} 1',
    'nvr_stream_running{source="front",stream="sub"} 0',
    'nvr_stream_restarts_total{source="front",stream="main"} 2',
    'nvr_stream_bits_per_second{source="front",stream="main"} 4000000',
    'nvr_stream_last_fragment_seconds{source="front",stream="main"} 1.5',
    'nvr_storage_ok 0',
    'nvr_channels_open 1',
    'nvr_identity_events_total{verdict="obeyed"} 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.doesNotMatch(text, /door|rtsp|10\.0\.0\.1|swarm/);
});
