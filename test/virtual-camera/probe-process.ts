import { createNodeDatagrams } from '../../src/platform/node/index.ts';

/**
 * Asks for cameras on the network of the local address that is the only argument, every 200 ms, and prints each answer and
 * announcement as a line of JSON, until its input ends. A process of its own, because it runs inside a network namespace.
 */
const [address = ''] = process.argv.slice(2);
const GROUP = { host: '239.255.255.250', port: 3702, family: 4 } as const;
const DISCOVERY = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';

const datagrams = createNodeDatagrams();
const asker = await datagrams.open({ host: address, port: 0, multicast: { through: address } });
const listener = await datagrams.open({
  host: GROUP.host,
  port: GROUP.port,
  shared: true,
  multicast: { through: address, group: GROUP.host },
});
for (const socket of [asker, listener]) {
  socket.onDatagram((bytes, from) => {
    const text = new TextDecoder().decode(bytes);
    const field = (name: string) => new RegExp(`:${name}>([^<]*)<`).exec(text)?.[1];
    const action = field('Action')?.split('/').at(-1);
    const line = {
      action,
      endpoint: field('Address'),
      addresses: field('XAddrs'),
      relatesTo: field('RelatesTo'),
      from,
    };
    if (action !== 'Probe') process.stdout.write(`${JSON.stringify(line)}\n`);
  });
}
const probe = new TextEncoder().encode(
  '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" ' +
    `xmlns:d="${DISCOVERY}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">` +
    `<s:Header><a:Action>${DISCOVERY}/Probe</a:Action><a:MessageID>urn:uuid:probe</a:MessageID></s:Header>` +
    '<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>',
);
const asking = setInterval(() => void asker.send(probe, GROUP), 200);
process.stdin.on('end', async () => {
  clearInterval(asking);
  await asker.close();
  await listener.close();
});
process.stdin.resume();
