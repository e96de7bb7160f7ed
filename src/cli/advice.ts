import type { NvrError } from '../errors.ts';

/** What to do next, by error code first. Each is one line. */
const BY_CODE: Readonly<Record<string, string>> = {
  ERR_CLI_USAGE: 'see constitute-nvr help',
  ERR_CLI_TIME: 'write now, -10m, 14:22, 2026-11-21T14:22, or the same with Z or +01:00 at its end',
  ERR_CLI_NOT_FOUND: 'client sources, client segments SOURCE, client nodes and devices list tell what there is',
  ERR_CLI_AMBIGUOUS: 'write more of it',
  ERR_CLI_NOTHING_RECORDED:
    'client segments SOURCE tells what is recorded; the newest minute is still being written (client live)',
  ERR_CLI_FILE_EXISTS: 'choose another name with -o, or overwrite with --force',
  ERR_CLI_NOT_PAIRED:
    "on the node run: constitute-nvr devices invite — then here: constitute-nvr client pair 'INVITATION'",
  ERR_CLI_INVITATION: 'on the node run: constitute-nvr devices invite',
  ERR_CLI_CODE: 'on the node run: constitute-nvr devices code',
  ERR_CLIENT_CODE_NOT_TAKEN:
    'wait a few seconds after a mistyped code; else make one on the node: constitute-nvr devices code',
  ERR_CLIENT_CODE_WRONG: 'type it again after some seconds; a code takes five wrong tries',
  ERR_CLIENT_CODE_UNKNOWN: 'see that the address is that of the node; if it is, make another code before you try again',
  ERR_CLI_NODE_NOT_FOUND: 'see that the node runs and that --via and --zone are right, then try again',
  ERR_CLI_NOT_RUNNING: 'start it with npm start, or name its folder with --data or CONSTITUTE_NVR_DATA',
  ERR_CLI_PAIRING_FILE: 'put it back from a backup, or remove it and pair again',
  ERR_CLI_DAMAGE: 'restore what is named from a backup; everything else stays readable',
  ERR_DAEMON_CONFIG: 'correct config.yaml (docs/configuration.md), check it with: constitute-nvr config check',
  ERR_DAEMON_SOURCE_KNOWN: 'choose another id, or change it with: source change ID',
  ERR_DAEMON_SOURCE_MISSING: 'client sources tells which there are; source add ID makes a new one',
  ERR_DAEMON_SOURCE_REFUSED:
    'see docs/configuration.md: a password wants a user name, keep is from 1m to 3650d, a virtual camera has no address',
  ERR_DAEMON_CREDENTIALS: 'the stored password is not sent to another host: give --username and --password-file again',
  ERR_DAEMON_TESTS: 'wait until the other tests are over',
  ERR_CLI_CAMERA: 'correct what is said above, or add it as it is with --no-test',
  ERR_DAEMON_CONFIG_BROKEN: 'on the node run: constitute-nvr config check',
  ERR_DAEMON_CONFIG_WRITE: 'on the node: see that the data folder can be written and has room',
  ERR_CLI_PICTURE: 'see that ffmpeg is installed here, or write the movie instead: client play, client live',
  ERR_CLI_PTZ_HELD: 'wait until it is given back, or take it as an admin or owner with --take',
  ERR_CAMERAS_PTZ_LEASE: 'somebody took the camera over; client ptz SOURCE status tells who',
  ERR_CAMERAS_PTZ_UNSTOPPED: 'LOOK at the camera: it may be moving still; then client ptz SOURCE stop',
  ERR_CAMERAS_NONE: 'this source has no onvif in the configuration of the node',
  ERR_CAMERAS_FOREIGN: 'another camera answers at its address: client camera show SOURCE',
  ERR_COMMANDS_CAMERA_NONE: 'this source has no onvif in the configuration of the node',
  ERR_COMMANDS_CAMERA_UNREACHABLE: 'see that the camera has power and network: client camera show SOURCE',
  ERR_COMMANDS_CAMERA_UNAUTHORIZED: "give the node the camera's user and password anew: client source change SOURCE",
  ERR_COMMANDS_CAMERA_UNABLE: 'client camera show SOURCE tells what it can do',
  ERR_COMMANDS_CAMERA_REFUSED: "see the camera's own settings: the user may lack a right there",
  ERR_COMMANDS_CAMERA_UNCLEAR: 'try again; if it stays so, a newer firmware may help',
  ERR_COMMANDS_NO_PICTURE: 'client sources tells whether the stream is recorded now',
  ERR_CAMERAS_SEARCH: 'see that there is a network, and that its interface is up',
  ERR_CAMERAS_INTERFACE: 'ip -brief address tells which there are; name one of them, or none for all',
  ERR_CAMERAS_HOST: 'write a name or an address, with :PORT where its ONVIF is not at 80',
  ERR_CAMERAS_BUSY: 'wait some seconds, then look again',
  ERR_DAEMON_LISTEN: 'end what listens there, or set another listen address in config.yaml',
  ERR_DAEMON_FOLDER_IN_USE: 'stop that node first, or choose another folder with CONSTITUTE_NVR_DATA',
  ERR_IDENTITY_NODE_MISSING: 'start the node once, or name its folder with --data or CONSTITUTE_NVR_DATA',
  ERR_CLIENT_CLOSED: 'see that the node runs, and ask an owner of it whether this device may still use it',
  ERR_CLIENT_NOT_ANSWERED: 'make a fresh invitation on the node: constitute-nvr devices invite',
  ERR_CLIENT_SEGMENT_DAMAGED: 'on the node run: constitute-nvr vault verify',
};

const BY_KIND: Readonly<Record<NvrError['kind'], string>> = {
  invalid: 'see constitute-nvr help for the command',
  unauthenticated: 'pair this device again with a fresh invitation',
  denied: 'ask an owner of the node for the right to do this',
  missing: 'see what there is: client sources, client segments SOURCE',
  conflict: 'look at the present state and try again',
  exhausted: 'a limit is reached: end something else first, or try again later',
  unavailable: 'see that the node runs and is reached from here, then try again',
  corrupt: 'on the node run: constitute-nvr vault verify',
  cancelled: 'run it again when you like',
  internal: 'this is a fault of the program: please report it with the text above',
};

/** The one line that says what to do after `error`. */
export function adviceFor(error: NvrError): string {
  return BY_CODE[error.code] ?? BY_KIND[error.kind];
}
