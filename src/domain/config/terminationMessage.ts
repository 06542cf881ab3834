/** What a container leaves as its last words, and how much of them is kept (parity D14). */

export const maxMessageBytes = 4096
export const maxPodMessageBytes = 12 * 1024
export const fallbackLogBytes = 2048
export const fallbackLogLines = 80

/** The share of each container of a pod: all messages together must fit into its status. */
export const messageBudget = (containers: number): number =>
  containers === 0 ? maxMessageBytes : Math.min(maxMessageBytes, Math.floor(maxPodMessageBytes / containers))

/** Whether the end of the log stands in for a message file that stayed empty. */
export const usesLogs = (
  run: { readonly policy: string; readonly exitCode: number; readonly message: string }
): boolean => run.policy === "FallbackToLogsOnError" && run.exitCode !== 0 && run.message === ""

const decoder = new TextDecoder()
const encoder = new TextEncoder()

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** The first `bytes` of a text, never cut within a character. */
export const firstBytes = (text: string, bytes: number): string => {
  const encoded = encoder.encode(text)
  if (encoded.length <= bytes) return text
  let end = bytes
  while (end > 0 && isContinuation(encoded[end])) end--
  return decoder.decode(encoded.subarray(0, end))
}

const lastBytes = (text: string, bytes: number): string => {
  const encoded = encoder.encode(text)
  if (encoded.length <= bytes) return text
  let start = encoded.length - bytes
  while (start < encoded.length && isContinuation(encoded[start])) start++
  return decoder.decode(encoded.subarray(start))
}

/** The end of a log as a message: at most 80 lines, at most 2048 bytes. `log` is the text of the lines without headers. */
export const logTail = (log: string): string => {
  const body = log.endsWith("\n") ? log.slice(0, -1) : log
  const lines = body.split("\n").slice(-fallbackLogLines).join("\n")
  return lastBytes(log.endsWith("\n") ? `${lines}\n` : lines, fallbackLogBytes)
}
