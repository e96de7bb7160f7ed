/** What this browser is called when nobody says otherwise: "Firefox on Windows". Read from what it tells every page. */
export function deviceName(userAgent: string, join: (browser: string, system: string) => string): string {
  const of = (table: readonly (readonly [RegExp, string])[]) => table.find(([sign]) => sign.test(userAgent))?.[1];
  const browser = of([
    [/\bEdg(?:A|iOS)?\//, 'Edge'],
    [/\b(?:OPR|Opera)\//, 'Opera'],
    [/\bSamsungBrowser\//, 'Samsung Internet'],
    [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
    [/(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
    [/\bSafari\//, 'Safari'],
  ]);
  const system = of([
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android'],
    [/CrOS/, 'ChromeOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X|Macintosh/, 'Mac'],
    [/Linux|X11/, 'Linux'],
  ]);
  if (browser && system) return join(browser, system);
  return browser ?? system ?? 'Web';
}
