import { Effect, Result } from "effect"
import { Permanent } from "../../../src/domain/failure.ts"
import { type CredentialRequest, readAnswer } from "../../../src/domain/images/credentialAnswers.ts"
import { CredentialPluginError } from "../../../src/layers/credentials/CredentialPlugins.ts"
import * as CredentialPluginsSim from "../../../src/layers/credentials/CredentialPluginsSim.ts"
import { credentialPluginsContract, providerNamed } from "../../contract/CredentialPluginsContract.ts"

const useless = (plugin: string, image: string, detail: string) =>
  new CredentialPluginError({ plugin, image, reason: new Permanent(), detail })

const plugin = (name: string, answer: CredentialPluginsSim.SimPlugin["answer"]): CredentialPluginsSim.SimPlugin => ({
  provider: providerNamed(name),
  answer,
  asked: []
})

const echo = ({ account, image }: CredentialRequest) =>
  Effect.succeed({
    cacheKeyType: "Registry" as const,
    cacheMs: 5000,
    auth: {
      [image]: { username: account?.token ?? "", password: `hello ${account?.annotations["role"] ?? ""} --of echo` }
    }
  })

credentialPluginsContract(
  "sim",
  CredentialPluginsSim.layer([
    plugin("echo", echo),
    plugin("fails", ({ image }) =>
      Effect.fail(
        useless(
          "fails",
          image,
          `error execing credential provider plugin fails for image ${image}: exit status 3: no network`
        )
      )),
    plugin("babbles", ({ image }) => {
      const answer = readAnswer(providerNamed("babbles"), "my secret")
      return Result.isSuccess(answer)
        ? Effect.succeed(answer.success)
        : Effect.fail(useless("babbles", image, answer.failure))
    }),
    plugin("hangs", () => Effect.never)
  ])
)
