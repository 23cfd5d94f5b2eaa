/** A zip archive that is the same for the same files, whoever makes it and when. Knows just what Lambda unpacks. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  name: string
  data: Buffer
}

/** 1980-01-01 00:00, the oldest time that the format has. */
const DOS_DATE = 0x0021
const DEFLATED = 8
/** Made on Unix, so that the permissions below count. */
const MADE_BY = 0x0314
const READABLE_FILE = (0o100644 << 16) >>> 0

export function zip(entries: readonly ZipEntry[]): Buffer {
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, data } of entries) {
    const packed = deflateRawSync(data, { level: 9 })
    const title = Buffer.from(name)
    // Version, flags, method, time, date, checksum, both sizes, length of the name, no extra field.
    const shared = numbers([2, 20], [2, 0x0800], [2, DEFLATED], [2, 0], [2, DOS_DATE])
    const sizes = numbers([4, crc32(data)], [4, packed.length], [4, data.length], [2, title.length], [2, 0])
    const local = Buffer.concat([numbers([4, 0x04034b50]), shared, sizes, title, packed])
    const place = numbers([2, 0], [2, 0], [2, 0], [4, READABLE_FILE], [4, offset])
    directory.push(numbers([4, 0x02014b50], [2, MADE_BY]), shared, sizes, place, title)
    files.push(local)
    offset += local.length
  }
  const index = Buffer.concat(directory)
  const count = entries.length
  const end = numbers(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, index.length],
    [4, offset],
    [2, 0],
  )
  return Buffer.concat([...files, index, end])
}

/** Little endian, each with its length in bytes. */
function numbers(...list: [bytes: 2 | 4, value: number][]): Buffer {
  return Buffer.concat(
    list.map(([bytes, value]) => {
      const buffer = Buffer.alloc(bytes)
      buffer.writeUIntLE(value, 0, bytes)
      return buffer
    }),
  )
}
