/**
 * Where a node's socket is opened from a page of that protocol (`https:`, `http:`). A page that came over https may open sealed sockets only
 * (loopback apart), so the node must then be reached through something that speaks TLS for it; the channel inside does not lean on that.
 */
export function socketAddress(url: string, pageProtocol: string): string {
  const { hostname } = new URL(url);
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  return pageProtocol === 'https:' && !isLoopback ? url.replace(/^ws:/, 'wss:') : url;
}
