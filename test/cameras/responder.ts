import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';

/** What a camera of ours answers. */
export interface Answer {
  device?: string;
  urls?: string;
  scopes?: string;
}

/** An answer to the probe of that id. */
export function answerTo(
  id: string,
  { device = 'urn:uuid:camera', urls = 'http://10.0.0.1/', scopes = '' }: Answer,
): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<s:Header><a:MessageID>uuid:00000000-0000-4000-8000-000000000001</a:MessageID><a:RelatesTo>${id}</a:RelatesTo></s:Header>
<s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>${device}</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${urls}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`;
}

/** The id a probe carries. */
export function idOf(probe: Uint8Array): string {
  return /<a:MessageID>([^<]*)</.exec(fromUtf8(probe) ?? '')?.[1] ?? '';
}

/** Cameras on loopback, asked at an address or at a group: answers every probe with what `answers` gives for it. */
export async function createResponder(
  answers: (id: string, probe: Uint8Array) => (string | Uint8Array)[],
  options: { group?: string } = {},
) {
  const host = options.group ?? '127.0.0.1';
  const [ear, mouth] = [createSocket('udp4'), createSocket('udp4')];
  const probes: string[] = [];
  ear.on('message', (probe, { address, port }) => {
    probes.push(fromUtf8(probe)!);
    for (const answer of answers(idOf(probe), probe)) {
      mouth.send(typeof answer === 'string' ? utf8(answer) : answer, port, address);
    }
  });
  const { port } = await bound(ear, host);
  if (options.group) ear.addMembership(options.group, '127.0.0.1');
  const { port: from } = await bound(mouth, '127.0.0.1');
  const closed = (socket: Socket) => new Promise<void>((done) => socket.close(() => done()));
  return {
    probes,
    target: { host, port },
    from: `127.0.0.1:${from}`,
    stop: () => Promise.all([ear, mouth].map(closed)),
  };
}

function bound(socket: Socket, host: string): Promise<AddressInfo> {
  return new Promise((done, fail) => {
    socket.once('error', fail);
    socket.bind(0, host, () => done(socket.address()));
  });
}
