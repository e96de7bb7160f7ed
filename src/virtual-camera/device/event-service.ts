import type { XmlElement } from '../../protocol/index.ts';
import { argument, argumentText, invalidArgument, NAMESPACES, SoapFault } from './soap.ts';
import type { Subscription, Subscriptions, TopicFilter } from './subscriptions.ts';
import { dateTimeMs, dateTimeText, durationMs } from './time-text.ts';
import type { DeviceCall, DeviceService, DeviceWorld } from './world.ts';
import { el, elWith } from './xml-writer.ts';

/** Where pull points are, their name behind it. */
export const SUBSCRIPTION_PATH = '/onvif/subscription/';
const PULL_MS_MAX = 60_000;
const MESSAGES_DEFAULT = 100;
const MESSAGES_MAX = 1_000;
const FILTER_LENGTH_MAX = 1_024;

/** The Event service: properties, and pull points (ONVIF Core Specification, chapter 9). */
export function eventService(world: DeviceWorld, subscriptions: Subscriptions): DeviceService {
  return {
    path: '/onvif/event_service',
    namespace: NAMESPACES.tev,
    version: { major: 2, minor: 60 },
    listed: true,
    operations: {
      GetServiceCapabilities: () =>
        el(
          'tev:GetServiceCapabilitiesResponse',
          elWith('tev:Capabilities', {
            WSPullPointSupport: true,
            MaxPullPoints: 32,
            PersistentNotificationStorage: false,
          }),
        ),
      GetEventProperties: () =>
        el(
          'tev:GetEventPropertiesResponse',
          el('tev:TopicNamespaceLocation', 'http://www.onvif.org/onvif/ver10/topics/topicns.xml'),
          el('wsnt:FixedTopicSet', true),
          world.events.topicSet(),
          el('wsnt:TopicExpressionDialect', 'http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete'),
          el('wsnt:TopicExpressionDialect', 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet'),
          el('tev:MessageContentFilterDialect', 'http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter'),
          el('tev:MessageContentSchemaLocation', 'http://www.onvif.org/onvif/ver10/schema/onvif.xsd'),
        ),
      CreatePullPointSubscription: (call) => {
        const lifeMs = lifeOf(world, argumentText(call.question.element, 'InitialTerminationTime'));
        const filter = filterOf(argument(call.question.element, 'Filter'));
        if (Number.isNaN(lifeMs)) return unacceptable('InitialTerminationTime');
        if (filter === undefined) {
          return new SoapFault(
            'Sender',
            ['ter:InvalidArgVal', 'ter:InvalidFilterFault'],
            'The filter is not understood',
          );
        }
        const made = subscriptions.create(lifeMs, filter);
        if (!made) {
          return new SoapFault('Receiver', ['ter:Action', 'ter:MaxPullPoints'], 'Too many subscriptions', {
            detail: el('wsnt:SubscribeCreationFailedFault'),
          });
        }
        // A forgetful device says yes, and knows nothing of it afterwards.
        if (world.faults.forgetSubscriptions) subscriptions.remove(made.id);
        return el(
          'tev:CreatePullPointSubscriptionResponse',
          el('tev:SubscriptionReference', el('wsa5:Address', call.url(`${SUBSCRIPTION_PATH}${made.id}`))),
          times(world, made, 'wsnt'),
        );
      },
    },
  };
}

/** The pull points themselves: what is asked at the address a subscription was given. */
export function subscriptionService(world: DeviceWorld, subscriptions: Subscriptions): DeviceService {
  const subscribed =
    (work: (call: DeviceCall, subscription: Subscription) => ReturnType<DeviceService['operations'][string]>) =>
    (call: DeviceCall) => {
      const found = subscriptions.get(call.rest);
      return found ? work(call, found) : unknown();
    };
  return {
    path: SUBSCRIPTION_PATH,
    namespace: NAMESPACES.tev,
    version: { major: 2, minor: 60 },
    listed: false,
    operations: {
      PullMessages: subscribed(async ({ question, gone }, subscription) => {
        const waitMs = durationMs(argumentText(question.element, 'Timeout') ?? '');
        const limit = argumentText(question.element, 'MessageLimit') ?? String(MESSAGES_DEFAULT);
        if (waitMs === null || !/^\d{1,9}$/.test(limit) || Number(limit) === 0) {
          return invalidArgument('InvalidArgs', 'expected a time-out and a limit');
        }
        const most = Math.min(MESSAGES_MAX, Number(limit));
        const messages = await subscription.pull(most, Math.min(PULL_MS_MAX, waitMs), gone);
        if (messages.length === 0 && !subscriptions.get(subscription.id)) return unknown();
        return el(
          'tev:PullMessagesResponse',
          times(world, subscription, 'tev'),
          messages.map(({ markup }) => markup),
        );
      }),
      SetSynchronizationPoint: subscribed((_, subscription) => {
        subscription.synchronize();
        return el('tev:SetSynchronizationPointResponse');
      }),
      [`{${NAMESPACES.wsnt}}Renew`]: subscribed(({ question }, subscription) => {
        const lifeMs = lifeOf(world, argumentText(question.element, 'TerminationTime'));
        if (Number.isNaN(lifeMs)) return unacceptable('TerminationTime');
        subscriptions.renew(subscription, lifeMs);
        return el('wsnt:RenewResponse', [...times(world, subscription, 'wsnt')].reverse());
      }),
      [`{${NAMESPACES.wsnt}}Unsubscribe`]: subscribed((_, subscription) => {
        subscriptions.remove(subscription.id);
        return el('wsnt:UnsubscribeResponse');
      }),
    },
  };
}

function times(world: DeviceWorld, subscription: Subscription, prefix: 'wsnt' | 'tev') {
  const now = world.deviceClock.now();
  const left = Math.max(0, subscription.endsAtMs - world.clock.monotonic());
  return [el(`${prefix}:CurrentTime`, dateTimeText(now)), el(`${prefix}:TerminationTime`, dateTimeText(now + left))];
}

/** How long a subscription is wanted, ms: a duration, or a moment of the device's clock; null: as the device likes; NaN: neither. */
function lifeOf(world: DeviceWorld, text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  const duration = durationMs(text);
  if (duration !== null) return duration;
  const moment = dateTimeMs(text);
  return moment === null || moment <= world.deviceClock.now() ? Number.NaN : moment - world.deviceClock.now();
}

/** Topics of a filter: paths joined by `|`, each with `//.` behind it where all below are meant. Undefined: not understood. */
function filterOf(filter: XmlElement | undefined): TopicFilter | undefined {
  const expression = argument(filter, 'TopicExpression');
  if (!filter || filter.children.length === 0) return null;
  if (!expression || filter.children.length > 1 || expression.text.length > FILTER_LENGTH_MAX) return undefined;
  const paths = expression.text
    .trim()
    .split('|')
    .map((each) => each.trim());
  if (!paths.every((each) => /^[A-Za-z_][\w.-]*:[\w.-]+(?:\/(?:[\w.-]+:)?[\w.-]+)*(?:\/\/\.)?$/.test(each)))
    return undefined;
  const wanted = paths.map((each) => each.replace(/[\w.-]+:/g, ''));
  return (path) =>
    wanted.some((each) => (each.endsWith('//.') ? `${path}/`.startsWith(`${each.slice(0, -3)}/`) : each === path));
}

function unacceptable(name: string): SoapFault {
  return new SoapFault('Sender', ['ter:InvalidArgVal', 'ter:InvalidArgs'], `${name} is not acceptable`, {
    detail: el('wsnt:UnacceptableTerminationTimeFault'),
  });
}

function unknown(): SoapFault {
  return new SoapFault('Receiver', ['ter:Action', 'wsrfr:ResourceUnknownFault'], 'The subscription does not exist', {
    status: 400,
    detail: el('wsrfr:ResourceUnknownFault'),
  });
}
