export type { ClientDeps, Connection, DeviceKeys, NodePin, OpenStream, Socket, Unit } from './api.ts';
