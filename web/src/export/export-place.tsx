import { lazy, Suspense, useState } from 'react';
import { useStore } from '../engine/store.ts';
import { useModel } from '../model/model.ts';

const Export = lazy(() => import('./index.tsx'));

/** Where exports appear; once in the app. Nothing of them is loaded before the first one is asked for. */
export function ExportPlace() {
  const open = useStore(useModel().exporting);
  const [asked, setAsked] = useState(false);
  if (open && !asked) setAsked(true);
  return (
    asked && (
      <Suspense fallback={null}>
        <Export />
      </Suspense>
    )
  );
}
