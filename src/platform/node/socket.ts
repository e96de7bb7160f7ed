import { WebSocket } from 'ws';

const MESSAGE_MAX = 65_600;
const CLOSE_MS = 1_000;

/** A WebSocket in the shape browsers give it, as far as a client needs it. */
export interface NodeSocket {
  /** Accepted for the sake of the shape: messages are always `Uint8Array`s. */
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code?: number }) => void) | null;
  onerror: ((event: unknown) => void) | null;
}

/** Opens a WebSocket to `url` with one subprotocol: no compression, messages of at most 65,600 bytes, no copies made. */
export function openNodeSocket(url: string, subprotocol: string): NodeSocket {
  const socket = new WebSocket(url, subprotocol, { perMessageDeflate: false, maxPayload: MESSAGE_MAX });
  const shape: NodeSocket = {
    binaryType: 'arraybuffer',
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (data) => socket.send(data, { binary: true, compress: false }, () => {}),
    close(code) {
      socket.close(code);
      const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
      timer.unref();
      socket.once('close', () => clearTimeout(timer));
    },
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
  };
  socket.on('open', () => shape.onopen?.({}));
  socket.on('message', (data, isBinary) => shape.onmessage?.({ data: isBinary ? data : String(data) }));
  socket.on('close', (code) => shape.onclose?.({ code }));
  socket.on('error', (error) => shape.onerror?.(error));
  return shape;
}
