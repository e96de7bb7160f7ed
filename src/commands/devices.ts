import { wishOf } from './grants.ts';
import type { CommandDeps, Family } from './handler.ts';

/** `devices.list`, `devices.invite`, `invitations.remove`, `devices.remove`, `devices.rename`. */
export function deviceCommands({
  devices,
  node,
}: Pick<CommandDeps, 'devices' | 'node'>): Family<
  'devices.list' | 'devices.invite' | 'invitations.remove' | 'devices.remove' | 'devices.rename'
> {
  return {
    async 'devices.list'({ call, right }) {
      const all = right === 'yes';
      const { device: self } = call.caller;
      return {
        devices: devices
          .devices()
          .filter((each) => all || each.device === self)
          .map(({ device, role, label, pairedAt, lastSeenAt, wrapKeyId }) => ({
            device,
            ...(role === null ? {} : { role }),
            label,
            pairedAt,
            lastSeenAt,
            ...(wrapKeyId === null ? {} : { wrapKeyId }),
            self: device === self,
          })),
        invitations: all ? devices.invitations().map(({ id, role, expiresAt }) => ({ id, role, expiresAt })) : [],
      };
    },

    async 'devices.invite'({ call, params: { expiresMs, ...terms } }) {
      const made = await devices.invite({ ...wishOf(terms), expiresMs, by: call.caller.device });
      return { id: made.id, role: made.role, expiresAt: made.expiresAt, invitation: node.writeInvitation(made) };
    },

    async 'invitations.remove'({ params: { id } }) {
      return { removed: await devices.withdraw(id) };
    },

    async 'devices.remove'({ call, params: { device, adopt } }) {
      return { removed: await devices.remove(device, { by: call.caller.device, adopt }) };
    },

    async 'devices.rename'({ params: { device, label } }) {
      return { renamed: await devices.rename(device, label) };
    },
  };
}
