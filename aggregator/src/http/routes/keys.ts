import {
  keyCreateRequestSchema,
  keyCreatedSchema,
  keyListQuerySchema,
  keyListSchema,
  keyParamsSchema,
  keySchema,
} from '@gatehouse/shared';
import { createKey, revokeKey } from '../../app/operations/keys.js';
import type { KeyRow } from '../../app/ports.js';
import { Refusal } from '../../domain/refusal.js';
import { pageOf } from '../lists.js';
import { keyResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { RequestContext, Route } from '../route.js';

const tag = 'keys';
const keyBytes = 32;

export const keyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/keys',
    operationId: 'listKeys',
    tag,
    summary: 'List keys',
    description: 'Keys by id, without their secrets; revoked ones too.',
    role: 'admin',
    scope: 'all-sites',
    query: keyListQuerySchema,
    answer: { status: 200, description: 'Keys.', content: keyListSchema },
    problems: ['cursor-invalid'],
    handler: ({ query }, context) => {
      const page = pageOf('keys', context.aggregator.directory.keys(), (key) => key.keyId, pageRequest(query));
      return { body: mapPage(page, keyResource) };
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/keys',
    operationId: 'createKey',
    tag,
    summary: 'Create a key',
    description:
      'The key is shown once; only its hash is kept. It is also a password of the broker, with the key’s id as user name.',
    role: 'admin',
    scope: 'all-sites',
    body: keyCreateRequestSchema,
    answer: { status: 201, description: 'The key.', content: keyCreatedSchema },
    problems: ['site-unknown'],
    handler: ({ body }, context) => {
      const key = context.random.hex(keyBytes);
      return context.change({
        work: (turn) => createKey(turn, context.actor, { ...body, keyHash: context.sha256(key) }),
        render: ({ keyId }, first) => ({
          body: { ...keyResource(knownKey(context, keyId)), key: first ? key : null },
        }),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/keys/{keyId}/revoke',
    operationId: 'revokeKey',
    tag,
    summary: 'Revoke a key',
    description: 'From now on it is refused. The last admin key cannot be revoked.',
    role: 'admin',
    scope: 'all-sites',
    params: keyParamsSchema,
    answer: { status: 200, description: 'The key now.', content: keySchema },
    problems: ['key-unknown', 'bound-reached'],
    handler: ({ params }, context) =>
      context.change({
        work: (turn) => revokeKey(turn, context.actor, params),
        render: ({ keyId }) => ({ body: keyResource(knownKey(context, keyId)) }),
      }),
  }),
];

function knownKey(context: RequestContext, keyId: string): KeyRow {
  const key = context.aggregator.directory.key(keyId);
  if (key === undefined) throw new Refusal('key-unknown', `no key ${keyId}`, 'keyId');
  return key;
}
