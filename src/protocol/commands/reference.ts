import { z } from 'zod';
import { ACTIONS, type Action, ROLE_ACTIONS, ROLES } from '../access.ts';
import { COMMANDS, type CommandName, methodOf } from './catalogue.ts';
import type { Command } from './command.ts';
import { RIGHTS } from './rights.ts';

/** The part of JSON Schema (2020-12) that our schemas use. */
interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  anyOf?: Schema[];
  default?: unknown;
  description?: string;
  unit?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
}

/** docs/protocol/commands.md, whole, from the schemas and the table of rights; a test holds the file equal to it. */
export function commandsReference(): string {
  const names = Object.keys(COMMANDS) as CommandName[];
  return [INTRODUCTION, rolesTable(), rightsTable(names), ...names.map(section)].join('\n');
}

const INTRODUCTION = `# Commands

*Generated from \`src/protocol/commands\`; a test keeps this file equal to the schemas.*

Commands travel on an open channel (channel.md). Each request opens a stream of its own.

## Requests and replies

A request is one JSON-RPC 2.0 object in a JSON frame; its \`id\` is the number of its stream. \`method\` is a name with a
version, such as \`segments.list@1\`; without a version it means version 1. A version that is withdrawn one day is announced
before in the reply. \`params\` is an object (absent: \`{}\`); a field that is not in the tables below is refused.

The reply is one JSON-RPC object with \`result\`, or with \`error\`: \`code\` is the fixed integer of the error's kind, \`message\` a
fixed text, \`data.code\` the stable name (\`ERR_…\`, ../reference/errors.md). Readers ignore fields of a result that they do not
know. One message has at most 65,024 bytes; lists that could grow beyond that come in pages: a reply that has a \`cursor\` is
continued by the same request with that \`cursor\`. A cursor is printable ASCII, means something to the node only, and lasts
as long as the node runs.

Any number of requests may be in flight; replies come in the order in which they are ready. CANCEL on a stream ends its
command at once, without a reply where none was sent yet.

**Times** are whole milliseconds since 1970-01-01 00:00 UTC. The node keeps microseconds and rounds down, starts and ends
alike, so that neighbours still touch. A span [from, to) holds its start and not its end.

**Data.** Where a command says so, DATA units follow the reply on the same stream, then END. Credit (channel.md) holds the
node back when the reader does not take them.

**Errors every command may give:** \`ERR_COMMANDS_UNKNOWN\` (no such method or version), \`ERR_COMMANDS_PARAMS\` (params are
not as described), \`ERR_COMMANDS_DENIED\` (the role or the grant does not allow it), \`ERR_COMMANDS_SOURCE\` (no such source or stream).
`;

const ACTION_WORDS: Readonly<Record<Action, string>> = {
  live: 'the picture as it comes',
  playback: 'recordings',
  export: 'recordings, to keep a copy',
  ptz: 'moving cameras',
  configure: 'sources and settings',
  delete: 'deleting recordings',
  grant: 'letting devices in, and what they may',
};

/** What each role has at all. */
function rolesTable(): string {
  const rows = ACTIONS.map((action) => {
    const has = ROLES.map((role) => (ROLE_ACTIONS[role].includes(action) ? 'yes' : 'no'));
    return `| ${action} | ${ACTION_WORDS[action]} | ${has.join(' | ')} |`;
  });
  return `## Roles and actions

A device may what its grant says (grants.md): a role, perhaps narrowed to some sources, some actions, or the last days, and perhaps a
lower role at single sources.

| action | means | ${ROLES.join(' | ')} |
|---|---|${ROLES.map(() => '---|').join('')}
${rows.join('\n')}

Granting goes down only: admins let viewers and operators in, owners anybody. Owners alone decide about owners and admins.
`;
}

const RIGHT_WORDS = { yes: 'yes', no: 'no', own: 'itself', lower: 'itself and lower' } as const;

function rightsTable(names: CommandName[]): string {
  const rows = names.map(
    (name) =>
      `| ${methodOf(name)} | ${ROLES.map((role) => RIGHT_WORDS[RIGHTS[name][role]]).join(' | ')} | ${RIGHTS[name].action ?? ''} |`,
  );
  return `## Who may what

Permission is asked for every request, with the access the device has at that moment, and again for every request that is
being answered when that access changes. *itself*: only where it concerns the asking device; *itself and lower*: itself, and
viewers and operators whose sources and actions the asking device has too. *action*: the grant must include it, except for
what a device does to itself.

Whatever names a source, or one of its segments, is judged by the role at that source: who is \`operator\`, but only \`viewer\` at
\`nursery\`, has the column *viewer* there, and the actions of a viewer. What is about no source goes by the role of the grant.

A source outside the grant does not exist for the device: it is in no list, and whoever names it or one of its segments gets
\`ERR_COMMANDS_SOURCE\` or \`ERR_COMMANDS_SEGMENT\`. Where the grant shows the last days only, segments that began before do
not exist either; lists and ranges begin where it does.

| method | ${ROLES.join(' | ')} | action |
|---|${ROLES.map(() => '---|').join('')}---|
${rows.join('\n')}
`;
}

function section(name: CommandName): string {
  const command: Command = COMMANDS[name];
  const parts = [`## ${methodOf(name)}`, command.about];
  parts.push(`**Params**${table(json(command.params, 'input'))}`);
  parts.push(`**Result**${table(json(command.result, 'output'))}`);
  if (command.data) parts.push(`**Data**: ${command.data}`);
  for (const [event, { about, params }] of Object.entries(command.events ?? {})) {
    parts.push(`**Event \`${event}\`**: ${about}${table(json(params, 'output'))}`);
  }
  if (command.notes) parts.push(command.notes.map((note) => `- ${note}`).join('\n'));
  parts.push(`\`\`\`json\n${example(name, command)}\n\`\`\``);
  return `${parts.join('\n\n')}\n`;
}

function example(name: CommandName, command: Command): string {
  const request = { jsonrpc: '2.0', id: 1, method: methodOf(name), params: command.example.params };
  const reply = { jsonrpc: '2.0', id: 1, result: command.example.result };
  return `${JSON.stringify(request)}\n${JSON.stringify(reply)}`;
}

function json(schema: z.ZodType, io: 'input' | 'output'): Schema {
  return z.toJSONSchema(schema, { io }) as Schema;
}

function table(schema: Schema): string {
  const rows = fieldRows(schema, '');
  if (rows.length === 0) return ': none.';
  return `\n\n| field | type | needed | meaning |\n|---|---|---|---|\n${rows.join('\n')}`;
}

function fieldRows(schema: Schema, prefix: string): string[] {
  const rows: string[] = [];
  for (const [name, value] of Object.entries(schema.properties ?? {})) {
    const path = prefix + name;
    const meaning = [value.unit, value.description].filter(Boolean).join('; ');
    rows.push(`| \`${path}\` | ${typeText(value)} | ${neededText(schema, name, value)} | ${cell(meaning)} |`);
    const inner = objectInside(value);
    if (inner) rows.push(...fieldRows(inner.schema, `${path}${inner.list ? '[]' : ''}.`));
  }
  return rows;
}

function objectInside(schema: Schema): { schema: Schema; list: boolean } | null {
  if (schema.properties) return { schema, list: false };
  if (schema.items?.properties) return { schema: schema.items, list: true };
  const choice = schema.anyOf?.find((each) => each.properties);
  return choice ? { schema: choice, list: false } : null;
}

function neededText(owner: Schema, name: string, value: Schema): string {
  if (value.default !== undefined) return `default ${cell(JSON.stringify(value.default))}`;
  return owner.required?.includes(name) ? 'yes' : 'no';
}

function typeText(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' ');
  if (schema.type === 'array') return `list of at most ${schema.maxItems}`;
  if (schema.type === 'string')
    return `string${lengthText(schema)}${schema.pattern ? ` \`${cell(schema.pattern)}\`` : ''}`;
  if (schema.type === 'integer' || schema.type === 'number') return numberText(schema);
  return String(schema.type);
}

function lengthText({ minLength, maxLength }: Schema): string {
  if (minLength === maxLength) return ` of ${maxLength}`;
  return minLength ? ` of ${minLength} to ${maxLength}` : ` of at most ${maxLength}`;
}

function numberText({ type, minimum, maximum }: Schema): string {
  const name = type === 'integer' ? 'whole number' : 'number';
  const highest = maximum === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : maximum?.toLocaleString('en');
  return highest === undefined ? `${name} from ${minimum}` : `${name}, ${minimum?.toLocaleString('en')} to ${highest}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
