import { networkInterfaces } from 'node:os';

/** An address of one of this machine's interfaces. */
export interface InterfaceAddress {
  /** Name of the interface. */
  name: string;
  /** Numeric. */
  address: string;
  family: 4 | 6;
  /** Of loopback: nothing outside is reached through it. */
  internal: boolean;
}

/** The addresses this machine has now; none where the system does not let us ask. */
export function interfaceAddresses(): InterfaceAddress[] {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, all]) =>
      (all ?? []).map(({ address, family, internal }) => ({
        name,
        address,
        family: family === 'IPv6' ? 6 : 4,
        internal,
      })),
    );
  } catch {
    return [];
  }
}
