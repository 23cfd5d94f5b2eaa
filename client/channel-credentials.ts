/** TLS for the client's connection: each new one uses the credentials as they are at that moment. */
import { experimental, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js'
import type { TemporalAccess } from './access.ts'

type Provider = experimental.CertificateProvider

/** Undefined where Temporal is reached without TLS. */
export function channelCredentials(access: TemporalAccess): ChannelCredentials | undefined {
  const { tls } = access.credentials
  if (!tls) return undefined
  const provider = providerOf(access)
  return experimental.createCertificateProviderChannelCredentials(provider, tls.client ? provider : null)
}

/** What says so to gRPC when the certificate has another name than the host. */
export function channelOptions({ credentials }: TemporalAccess): ChannelOptions {
  const name = credentials.tls?.serverName
  return name === undefined ? {} : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name }
}

function providerOf(access: TemporalAccess): Provider {
  const ends = new Map<unknown, () => void>()
  const feed = (listener: unknown, tell: () => void) => {
    ends.get(listener)?.()
    ends.set(listener, access.onChange(tell))
    tell()
  }
  const end = (listener: unknown) => {
    ends.get(listener)?.()
    ends.delete(listener)
  }
  return {
    addCaCertificateListener: (listener) =>
      feed(listener, () => listener({ caCertificate: access.credentials.tls!.ca })),
    addIdentityCertificateListener: (listener) =>
      feed(listener, () => {
        const { certificate, key } = access.credentials.tls!.client!
        listener({ certificate, privateKey: key })
      }),
    removeCaCertificateListener: end,
    removeIdentityCertificateListener: end,
  }
}
