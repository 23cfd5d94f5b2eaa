/** The HTTP API as a client with open connections calls it; an answer that is not 200 ends the measurement. */
import { Agent, request } from 'node:http'

export interface Api {
  /** Of an environment of the project `bench`; the answer's JSON text. @throws Error */
  call(method: 'GET' | 'POST', environment: string, path: string, body?: string): Promise<string>
  close(): void
}

export function createApi(listen: string, token: string): Api {
  const [host = '', port = ''] = listen.split(':')
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  return {
    call: (method, environment, path, body = '') =>
      new Promise((resolve, reject) => {
        const headers = {
          Authorization: `token ${token}`,
          ...(body !== '' && {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
          }),
        }
        const url = `/api/esc/environments/main/bench/${environment}/${path}`
        const asked = request({ host, port, agent, method, path: url, headers }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (part: string) => (text += part))
          response.on('error', reject)
          response.on('end', () => {
            if (response.statusCode === 200) resolve(text)
            else reject(new Error(`${method} ${url} answered ${response.statusCode}: ${text.slice(0, 500)}`))
          })
        })
        asked.on('error', reject)
        asked.end(body)
      }),
    close: () => agent.destroy(),
  }
}
