/** True where a part of the page could not be loaded: its server has it in a newer form only, or is away. */
export function isMissingFile(error: unknown): boolean {
  // As browsers say it of a module, and Vite of a style sheet that a module needs.
  const says = /dynamically imported module|importing a module script|unable to preload css/i;
  return error instanceof Error && says.test(error.message);
}
