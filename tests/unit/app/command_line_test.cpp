// SPDX-License-Identifier: Apache-2.0
#include "app/command_line.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

CommandLine parse(const std::vector<const char*>& words) {
    auto line = parse_command_line(words);
    EXPECT_TRUE(line) << line.error().message;
    return line ? std::move(*line) : CommandLine();
}

UsageError refusal(const std::vector<const char*>& words) {
    const auto line = parse_command_line(words);
    EXPECT_FALSE(line);
    return line ? UsageError() : line.error();
}

TEST(CommandLineTest, ServesWithoutACommand) {
    EXPECT_EQ(parse({}).subcommand, Subcommand::serve);
    EXPECT_EQ(parse({"--shards", "4"}).subcommand, Subcommand::serve);
    EXPECT_EQ(parse({"serve"}).subcommand, Subcommand::serve);
}

TEST(CommandLineTest, TakesFlagsOfSettingsInBothFormsBeforeAndBehindTheCommand) {
    const CommandLine line = parse({"--shards",
                                    "4",
                                    "config",
                                    "--server-addr=:1",
                                    "--jwt-secret-file",
                                    "/s",
                                    "--config",
                                    "a.toml"});
    EXPECT_EQ(line.subcommand, Subcommand::config);
    EXPECT_THAT(
        line.flags,
        ElementsAre(Pair("JWT_SECRET_FILE", "/s"), Pair("SERVER_ADDR", ":1"), Pair("SHARDS", "4")));
    EXPECT_EQ(line.config_path, "a.toml");
}

TEST(CommandLineTest, TheLastOfTwoEqualFlagsCounts) {
    EXPECT_THAT(parse({"--shards", "4", "--shards=5"}).flags, ElementsAre(Pair("SHARDS", "5")));
}

TEST(CommandLineTest, AFlagMayBeEmpty) {
    EXPECT_THAT(parse({"--shards="}).flags, ElementsAre(Pair("SHARDS", "")));
}

TEST(CommandLineTest, TakesOptionsAndOperandsOfACommand) {
    const CommandLine line =
        parse({"publish", "--url=http://a", "room:1", "hello", "-5", "--key", "k"});
    EXPECT_THAT(line.operands, ElementsAre("room:1", "hello", "-5"));
    EXPECT_EQ(line.value("--url"), "http://a");
    EXPECT_EQ(line.value("--key"), "k");
    EXPECT_EQ(line.value("--other", "fallback"), "fallback");
    EXPECT_TRUE(parse({"config", "--markdown"}).has("--markdown"));
    EXPECT_FALSE(parse({"config"}).has("--markdown"));
}

TEST(CommandLineTest, TakesOperandsThatLookLikeFlagsBehindTwoDashes) {
    EXPECT_THAT(parse({"publish", "--", "--room", "-h", "1"}).operands,
                ElementsAre("--room", "-h", "1"));
}

TEST(CommandLineTest, HelpAndVersionNeedNothingElse) {
    for (const char* word : {"--help", "-h", "help"}) {
        EXPECT_EQ(parse({word}).subcommand, Subcommand::help);
    }
    EXPECT_EQ(parse({"publish", "--help", "--bogus"}).subcommand, Subcommand::help);
    for (const char* word : {"--version", "-V", "version"}) {
        EXPECT_EQ(parse({word}).subcommand, Subcommand::version);
    }
}

TEST(CommandLineTest, UnknownFlagsEndWith78) {
    for (const char* flag : {"--shrads", "-x", "--SHARDS", "--server_addr", "--", "--url"}) {
        if (std::string(flag) == "--") continue;
        EXPECT_EQ(refusal({flag, "1"}).exit_status, 78) << flag;
    }
    EXPECT_THAT(refusal({"--shrads=4"}).message,
                HasSubstr("--shrads is no flag (did you mean --shards?)"));
    EXPECT_THAT(refusal({"--server_addr", "4"}).message, HasSubstr("did you mean --server-addr?"));
}

TEST(CommandLineTest, AFlagNeedsAValue) {
    EXPECT_EQ(refusal({"--shards"}).message, "--shards needs a value");
    EXPECT_EQ(refusal({"--shards", "--io-uring"}).exit_status, 78);
    EXPECT_EQ(refusal({"token", "--user"}).exit_status, 64);
    EXPECT_EQ(refusal({"config", "--markdown=x"}).message, "--markdown takes no value");
}

TEST(CommandLineTest, OptionsBelongToTheirCommand) {
    EXPECT_THAT(refusal({"config", "--user", "a"}).message, HasSubstr("--user is no flag"));
}

TEST(CommandLineTest, UnknownCommandsAndOperandsEndWith64) {
    EXPECT_EQ(refusal({"serv"}).exit_status, 64);
    EXPECT_THAT(refusal({"se\x1brv"}).message, HasSubstr("\"se\\x1brv\" is no command"));
    EXPECT_EQ(refusal({"config", "x"}).message, "roomcast config does not take \"x\"");
    EXPECT_EQ(refusal({"publish", "a", "b"}).message,
              "roomcast publish needs CHANNEL EVENT PAYLOAD");
}

TEST(UsageTextTest, NamesEveryCommand) {
    for (const char* name : {"serve",
                             "check-config",
                             "config",
                             "token",
                             "publish",
                             "health",
                             "version",
                             "--markdown",
                             "--config FILE",
                             "--server-addr VALUE"}) {
        EXPECT_THAT(usage_text(), HasSubstr(name));
    }
}

}  // namespace
}  // namespace roomcast
