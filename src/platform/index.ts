export type { Clock } from './clock.ts';
export type { FileEntry, FileHandle, Files } from './files.ts';
export { type Log, type LogFields, silentLog } from './log.ts';
export type { OwnedProcess, ProcessExit, Processes, SpawnOptions } from './processes.ts';
export type { Random } from './random.ts';
export { SeededRandom } from './seeded-random.ts';
export { SimulatedClock } from './simulated-clock.ts';
export { type DiskFault, type DiskVerb, type SimulatedDiskOptions, SimulatedFiles } from './simulated-files.ts';
export type { Startable } from './startable.ts';
