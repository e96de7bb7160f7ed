/** An element over the whole screen, or back. */
export function toggleFullScreen(element: Element | null): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void element?.requestFullscreen().catch(() => {});
}
