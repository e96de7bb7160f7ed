import type { Camera } from './cameras.ts';

/** What a camera is called beside those of other nodes: where one of them has the same name, with its place, or with its node where even that is the same. */
export function shownName({ node, name, site, nodeName }: Camera, all: readonly Camera[]): string {
  const twins = all.filter((each) => each.node !== node && each.name === name);
  if (twins.length === 0) return name;
  const telling = site !== '' && twins.every((each) => each.site !== site) ? site : nodeName;
  return `${name} · ${telling}`;
}
