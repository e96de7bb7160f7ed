import { useTranslation } from 'react-i18next';
import { AboutSection } from './about.tsx';
import { AppSection } from './app-section.tsx';
import { LimitsSection } from './limits.tsx';
import { NodesSection } from './nodes.tsx';
import { ShowSection } from './show.tsx';
import './settings.css';

/** How this browser shows things, what it is paired with, and what it can and cannot do. */
export default function SettingsPage() {
  const { t } = useTranslation('settings');
  return (
    <div className="settings">
      <div className="ui-page-head">
        <h1>{t('title')}</h1>
      </div>
      <ShowSection />
      <NodesSection />
      <AppSection />
      <LimitsSection />
      <AboutSection />
    </div>
  );
}
