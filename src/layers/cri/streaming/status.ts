/** How a command ended, in the words that `kubectl` takes its own exit code from. */

export const success = JSON.stringify({ metadata: {}, status: "Success" })

export const exited = (command: ReadonlyArray<string>, code: number): string =>
  code === 0 ? success : JSON.stringify({
    metadata: {},
    status: "Failure",
    message: "command terminated with non-zero exit code: error executing command "
      + `[${command.join(" ")}], exit code ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] }
  })

export const failed = (message: string): string =>
  JSON.stringify({
    metadata: {},
    status: "Failure",
    message: `Internal error occurred: ${message}`,
    reason: "InternalError",
    details: { causes: [{ message }] },
    code: 500
  })
