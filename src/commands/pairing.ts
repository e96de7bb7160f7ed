import { type DeviceKey, keyFingerprint } from '../protocol/index.ts';
import { fingerprintWrong } from './errors.ts';
import { wishOf, writtenTerms } from './grants.ts';
import type { CommandDeps, Family } from './handler.ts';

/** `pairing.code`, `pairing.cancel`, `pairing.pending`, `pairing.approve`, `pairing.reject`, `pairing.confirm`. */
export function pairingCommands({
  pairing,
}: Pick<CommandDeps, 'pairing'>): Family<
  'pairing.code' | 'pairing.cancel' | 'pairing.pending' | 'pairing.approve' | 'pairing.reject' | 'pairing.confirm'
> {
  return {
    async 'pairing.code'({ call, params: { approve, expiresMs, ...terms } }) {
      const made = await pairing.make({ ...wishOf(terms), approve, expiresMs, by: call.caller.device });
      return { id: made.id, role: made.role, approve: made.approve, expiresAt: made.expiresAt, code: made.digits };
    },

    async 'pairing.cancel'() {
      return { cancelled: await pairing.cancel() };
    },

    async 'pairing.pending'() {
      return {
        code: pairing.code(),
        triesLeftToday: pairing.triesLeftToday(),
        devices: pairing.pending().map(({ device, fingerprint, label, terms, since, expiresAt, present }) => ({
          device,
          fingerprint,
          label,
          ...writtenTerms(terms),
          since,
          expiresAt,
          present,
        })),
        enrolments: pairing.enrolments().map(({ signer, identityId, label, at }) => ({
          signer,
          fingerprint: keyFingerprint(signer),
          identityId,
          identityLabel: label,
          at,
        })),
      };
    },

    async 'pairing.approve'({ call, params: { device, fingerprint, label, ...terms } }) {
      expectFingerprint(device, fingerprint);
      const wish = { ...wishOf(terms), by: call.caller.device, ...(label === undefined ? {} : { label }) };
      const given = await pairing.approve(device, wish);
      return given === null ? { approved: false } : { approved: true, role: given };
    },

    async 'pairing.reject'({ params: { device } }) {
      return { rejected: pairing.reject(device) };
    },

    async 'pairing.confirm'({ params: { signer, fingerprint, accept } }) {
      expectFingerprint(signer, fingerprint);
      return { done: await pairing.confirm(signer, accept) };
    },
  };
}

/** Whoever decides about a key has looked at it: what was compared and what is named must be one. */
function expectFingerprint(key: DeviceKey, fingerprint: string): void {
  if (fingerprint !== keyFingerprint(key)) throw fingerprintWrong();
}
