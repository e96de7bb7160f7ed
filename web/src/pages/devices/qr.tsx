import { useMemo } from 'react';
import { encode } from 'uqr';

/** Modules of white around a code; readers ask for four. */
const QUIET = 4;

/** A text as a QR code, black on white in both themes; null where it is too long for one. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const drawn = useMemo(() => {
    try {
      const { data, size } = encode(text, { ecc: 'L', border: 0 });
      return { path: pathOf(data), size };
    } catch {
      return null;
    }
  }, [text]);
  if (!drawn) return null;
  const side = drawn.size + 2 * QUIET;
  return (
    <svg className="devices-qr" viewBox={`${-QUIET} ${-QUIET} ${side} ${side}`} role="img" aria-label={label}>
      <rect x={-QUIET} y={-QUIET} width={side} height={side} fill="#fff" />
      <path d={drawn.path} fill="#000" shapeRendering="crispEdges" />
    </svg>
  );
}

/** One stroke for each run of dark modules in a row. */
function pathOf(rows: readonly (readonly boolean[])[]): string {
  const parts: string[] = [];
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x++;
      parts.push(`M${start} ${y}h${x + 1 - start}v1h${start - x - 1}z`);
    }
  });
  return parts.join('');
}
