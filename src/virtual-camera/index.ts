export {
  CAPTURE_TIME_UUID,
  type CaptureTime,
  captureTimeInSample,
  captureTimeNal,
  captureTimeOf,
} from './capture-time.ts';
export {
  runVirtualCamera,
  type VirtualCameraFlags,
  virtualCameraOptions,
  virtualDeviceOptions,
} from './command-line.ts';
export type { DeviceAuthentication, DeviceFaults, VirtualDevice, VirtualDeviceOptions } from './device-api.ts';
export {
  type Fault,
  type FaultName,
  type FaultSetting,
  type Faults,
  MALFORMED_KINDS,
  type MalformedKind,
  parseFault,
} from './faults.ts';
export type { AudioCodec, Credentials, PictureOptions, RtpTransport, VirtualCameraOptions } from './options.ts';
export { readStrip, type StripCode, stripCells, stripTime } from './time-strip.ts';
export { createVirtualCamera, type VirtualCamera, type VirtualCameraDeps } from './virtual-camera.ts';
export { createVirtualDevice, type VirtualDeviceDeps } from './virtual-device.ts';
