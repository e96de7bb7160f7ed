import { Component, type ReactNode } from 'react';
import { Translation } from 'react-i18next';
import { Button, Empty } from '../ui/index.ts';

interface State {
  error: unknown;
}

/** Says that a part of the page broke, and what, and offers to load it anew. Nothing is sent anywhere. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <Translation ns="shell">
        {(t) => (
          <Empty title={t('broken.title')} icon="warning">
            <p>{isMissingFile(error) ? t('broken.updated') : t('broken.text')}</p>
            {!isMissingFile(error) && <code className="shell-broken-text">{String(error)}</code>}
            <Button kind="main" icon="refresh" onClick={() => location.reload()}>
              {t('broken.reload')}
            </Button>
          </Empty>
        )}
      </Translation>
    );
  }
}

/** A page was asked for that the node has in a newer form only. */
function isMissingFile(error: unknown): boolean {
  return error instanceof TypeError && /dynamically imported module|importing a module script/i.test(error.message);
}
