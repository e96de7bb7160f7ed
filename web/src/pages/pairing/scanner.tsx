import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Notice } from '../../ui/chip.tsx';
import { Dialog } from '../../ui/dialog.tsx';

interface Detector {
  detect(picture: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}

const LOOK_MS = 150;

/** True where the browser reads QR codes itself and lends its camera (secure pages only). */
export function canScan(): boolean {
  return 'BarcodeDetector' in globalThis && navigator.mediaDevices?.getUserMedia !== undefined;
}

interface Props {
  /** True where it was an invitation: the camera is given back. */
  onText(text: string): boolean;
  onClose(): void;
}

/** Looks through this device's camera for a QR code. The picture goes nowhere. */
export function Scanner({ onText, onClose }: Props) {
  const { t } = useTranslation('pairing');
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<'looking' | 'other' | 'refused'>('looking');
  const told = useRef(onText);
  told.current = onText;

  useEffect(() => {
    let over = false;
    let stream: MediaStream | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const { BarcodeDetector } = globalThis as unknown as {
      BarcodeDetector: new (options: { formats: string[] }) => Detector;
    };
    const begin = async () => {
      try {
        const detector = new BarcodeDetector({ formats: ['qr_code'] });
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
        if (over) return end();
        video.current!.srcObject = stream;
        await video.current!.play();
        const look = async () => {
          if (over) return;
          const codes = await detector.detect(video.current!).catch(() => []);
          if (codes.some(({ rawValue }) => told.current(rawValue))) return;
          if (codes.length > 0) setState('other');
          timer = setTimeout(() => void look(), LOOK_MS);
        };
        await look();
      } catch {
        if (!over) setState('refused');
      }
    };
    const end = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    void begin();
    return () => {
      over = true;
      clearTimeout(timer);
      end();
    };
  }, []);

  return (
    <Dialog title={t('scan.title')} onClose={onClose}>
      {state === 'refused' ? (
        <Notice tone="gap" icon="warning" urgent>
          <p>{t('scan.refused')}</p>
        </Notice>
      ) : (
        <>
          <video ref={video} className="pairing-scan" muted playsInline aria-label={t('scan.title')} />
          <p role="status">{t(state === 'other' ? 'scan.other' : 'scan.hint')}</p>
        </>
      )}
    </Dialog>
  );
}
