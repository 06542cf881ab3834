/**
 * To be imported before anything of Effect, which else takes along Node's asynchronous context whenever a fiber waits: an
 * object for each of a hundred thousand sleepers, and nobody in a simulation asks for what is in it.
 */
const builtin = process.getBuiltinModule.bind(process)

process.getBuiltinModule = ((id: string) => id === "node:async_hooks" ? undefined : builtin(id)) as typeof builtin
