/**
 * What a driver is (docs/cti-link.md): the link to one address of a switch. A module in
 * `drivers`, named as the scheme of the addresses that it is for, exports `open`.
 *
 * @typedef {{ id: number, service: string, line?: string, device?: string, [member: string]: unknown }} LinkRequest
 * @typedef {Record<string, any>} LinkMessage
 * @typedef {Record<string, { device: string, [option: string]: unknown }[]>} Lines
 *
 * @typedef {object} DriverHost
 * @property {Lines} lines of the configuration, with the driver's own options
 * @property {(message: LinkMessage) => void} receive a message of the switch: `hello`, an answer, a view
 * @property {(reason: string) => void} closed the link is gone; without secrets
 *
 * @typedef {object} Driver
 * @property {(request: LinkRequest) => void} send
 * @property {() => void} close nothing of the host's is called any more
 *
 * @typedef {(address: URL, host: DriverHost) => Driver} OpenDriver
 */

export {};
