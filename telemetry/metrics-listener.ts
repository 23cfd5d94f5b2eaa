/**
 * The server's `/metrics`, on an address of its own: the API's is for everybody who has a token and often for the
 * world, and how many environments there are and what fails is nobody's business there.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ListenAddress } from '../config/index.ts'
import type { Exposition } from './exposition.ts'

export interface ScrapeListener {
  /** Of the metrics themselves; the port that was given where the settings left it open. */
  url: string
  close(): Promise<void>
}

/** @throws the system's error when it cannot listen there. */
export async function listenForScrapes(
  listen: ListenAddress,
  exposition: Exposition,
): Promise<ScrapeListener> {
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== '/metrics') return void response.writeHead(404).end()
    if (request.method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end()
    answerScrape(response, exposition)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return {
    url: `http://${host}:${port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export function answerScrape(response: ServerResponse, exposition: Exposition): void {
  void exposition.read().then(
    (text) => response.writeHead(200, { 'content-type': exposition.contentType }).end(text),
    () => response.writeHead(500).end(),
  )
}
