/** Namespaces of ONVIF services and of what their messages are made of. */
export const NAMESPACES = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  media2: 'http://www.onvif.org/ver20/media/wsdl',
  ptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  imaging: 'http://www.onvif.org/ver20/imaging/wsdl',
  events: 'http://www.onvif.org/ver10/events/wsdl',
  search: 'http://www.onvif.org/ver10/search/wsdl',
  recording: 'http://www.onvif.org/ver10/recording/wsdl',
  replay: 'http://www.onvif.org/ver10/replay/wsdl',
  deviceIo: 'http://www.onvif.org/ver10/deviceIO/wsdl',
  analytics: 'http://www.onvif.org/ver20/analytics/wsdl',
  schema: 'http://www.onvif.org/ver10/schema',
} as const;

/** Services that are asked. */
export type ServiceName = Exclude<keyof typeof NAMESPACES, 'schema'>;

/** SOAP 1.2, which is spoken, and SOAP 1.1, which some cameras answer with. */
export const SOAP = ['http://www.w3.org/2003/05/soap-envelope', 'http://schemas.xmlsoap.org/soap/envelope/'] as const;

/** Of OASIS WS-Security 1.0 and its username token profile. */
export const WSS = {
  extension: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd',
  utility: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd',
  digest: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest',
  base64: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary',
} as const;
