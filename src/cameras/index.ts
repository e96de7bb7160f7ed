export {
  type CameraDiscovery,
  createCameraDiscovery,
  type DiscoveryDeps,
  type DiscoveryOptions,
} from './discovery.ts';
