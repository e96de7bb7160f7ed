import { Component, type ReactNode } from 'react';
import { Translation } from 'react-i18next';
import { Button, Empty } from '../ui/index.ts';
import { isMissingFile } from './missing-file.ts';

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
          <Empty title={t(isMissingFile(error) ? 'broken.missing' : 'broken.title')} icon="warning">
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
