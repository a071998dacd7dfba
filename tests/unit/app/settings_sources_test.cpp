// SPDX-License-Identifier: Apache-2.0
// Where settings come from: precedence, files, and what stops a start.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/settings_table.hpp"
#include "tests/unit/app/settings_fixture.hpp"

namespace roomcast {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class SettingsSourcesTest : public SettingsTest {
protected:
    static const EffectiveSetting& effective(const LoadedSettings& loaded, std::string_view name) {
        for (const EffectiveSetting& setting : loaded.effective) {
            if (setting.row->variable == name) return setting;
        }
        ADD_FAILURE() << "no setting " << name;
        return loaded.effective.front();
    }

    std::string origin(std::string_view name) { return effective(load_well(), name).origin; }
};

TEST_F(SettingsSourcesTest, TheStrongestSourceWins) {
    files_["roomcast.toml"] = "# settings\nshards = 2\n";
    EXPECT_EQ(load_well().settings.shards, 2);
    EXPECT_EQ(origin("SHARDS"), "roomcast.toml line 2");
    files_[".env"] = "\nSHARDS=3\n";
    EXPECT_EQ(load_well().settings.shards, 3);
    EXPECT_EQ(origin("SHARDS"), ".env line 2");
    environment_["SHARDS"] = "4";
    EXPECT_EQ(load_well().settings.shards, 4);
    EXPECT_EQ(origin("SHARDS"), "environment");
    flags_["SHARDS"] = "5";
    EXPECT_EQ(load_well().settings.shards, 5);
    EXPECT_EQ(origin("SHARDS"), "flag --shards");
}

TEST_F(SettingsSourcesTest, AnEmptyValueIsUnsetInEverySource) {
    flags_["SHARDS"] = "";
    environment_["SHARDS"] = "";
    files_[".env"] = "SHARDS=\n";
    files_["roomcast.toml"] = "shards = \"\"\n";
    EXPECT_EQ(origin("SHARDS"), "default");
    files_["roomcast.toml"] = "shards = 2\n";
    EXPECT_EQ(load_well().settings.shards, 2);
}

TEST_F(SettingsSourcesTest, AnEmptyLastLineOfDotenvUnsetsAnEarlierOne) {
    files_[".env"] = "SHARDS=3\nSHARDS=\n";
    EXPECT_EQ(origin("SHARDS"), "default");
}

TEST_F(SettingsSourcesTest, NeedsNoSourceAtAll) {
    EXPECT_EQ(load_well().settings.server_addr, (ListenAddress{"", 8080}));
    const auto loaded = load_settings({.read_file = file_reader()});
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->settings.limits.message_bytes, Limits().message_bytes);
}

TEST_F(SettingsSourcesTest, IgnoresUnknownVariablesOfTheEnvironmentAndDotenv) {
    environment_["SHRADS"] = "4";
    environment_["PATH"] = "/bin";
    files_[".env"] = "COMPOSE_PROJECT_NAME=x\nCOMPOSE_PROJECT_NAME=y\n";
    const LoadedSettings loaded = load_well();
    EXPECT_THAT(loaded.warnings, Not(Contains(HasSubstr("COMPOSE"))));
}

TEST_F(SettingsSourcesTest, WarnsWhenDotenvSetsAVariableTwiceAndTakesTheLast) {
    files_[".env"] = "SHARDS=3\n#\nSHARDS=4\n";
    const LoadedSettings loaded = load_well();
    EXPECT_EQ(loaded.settings.shards, 4);
    EXPECT_THAT(loaded.warnings,
                Contains("SHARDS is set twice in .env, in lines 1 and 3; the last one counts"));
}

TEST_F(SettingsSourcesTest, RefusesABrokenDotenvByItsLineWithoutShowingIt) {
    files_[".env"] = "SHARDS=3\nhunter2\n";
    EXPECT_EQ(refusal(), ".env line 2: expected NAME=value");
}

TEST_F(SettingsSourcesTest, RefusesFilesThatAreThereButCannotBeRead) {
    files_[".env"] = kUnreadable;
    EXPECT_EQ(refusal(), ".env: Permission denied");
    files_.clear();
    files_["roomcast.toml"] = kUnreadable;
    EXPECT_EQ(refusal(), "roomcast.toml: Permission denied");
}

TEST_F(SettingsSourcesTest, ReadsTheFileThatConfigNamesInPlaceOfTheDefault) {
    files_["roomcast.toml"] = "shards = 2\n";
    files_["/etc/other.toml"] = "drain_seconds = 3\n";
    config_path_ = "/etc/other.toml";
    EXPECT_EQ(origin("SHARDS"), "default");
    EXPECT_EQ(origin("DRAIN_SECONDS"), "/etc/other.toml line 1");
    config_path_ = "/etc/missing.toml";
    EXPECT_EQ(refusal(), "/etc/missing.toml: No such file or directory");
}

TEST_F(SettingsSourcesTest, TakesAllKindsOfTomlValues) {
    files_["roomcast.toml"] = R"(
server_addr = ":9000"
shards = 3
jwt_close_on_expiry = false
allowed_origins = ["https://a.example", "https://b.example"]
)";
    const Settings settings = load_well().settings;
    EXPECT_EQ(settings.server_addr.port, 9000);
    EXPECT_EQ(settings.shards, 3);
    EXPECT_FALSE(settings.jwt.is_closed_on_expiry);
    EXPECT_TRUE(settings.allowed_origins.allows("https://b.example"));
    EXPECT_FALSE(settings.allowed_origins.allows("https://c.example"));
}

TEST_F(SettingsSourcesTest, RefusesUnknownTomlKeysAndSuggestsOnesThatAreKnown) {
    files_["roomcast.toml"] = "\nshrads = 4\n";
    EXPECT_EQ(refusal(), "roomcast.toml line 2: unknown key \"shrads\" (did you mean shards?)");
    files_["roomcast.toml"] = "SHARDS = 4\n";
    EXPECT_THAT(refusal(), HasSubstr("unknown key \"SHARDS\" (did you mean shards?)"));
    files_["roomcast.toml"] = "[server]\naddr = 4\n";
    EXPECT_THAT(refusal(), HasSubstr("roomcast.toml line 1: \"server\" is neither a string"));
}

TEST_F(SettingsSourcesTest, RefusesBrokenTomlByItsLine) {
    files_["roomcast.toml"] = "shards = 4\nserver_addr = \n";
    EXPECT_THAT(refusal(), HasSubstr("roomcast.toml line 2: "));
    files_["roomcast.toml"] = "shards = 1\nshards = 2\n";
    EXPECT_THAT(refusal(), HasSubstr("roomcast.toml line 2: "));
    files_["roomcast.toml"] = "shards = 1.5\n";
    EXPECT_THAT(refusal(), HasSubstr("roomcast.toml line 1: \"shards\" is neither"));
}

TEST_F(SettingsSourcesTest, RefusesUnknownFlagsAndSuggestsOnesThatAreKnown) {
    flags_["SHRADS"] = "4";
    EXPECT_THAT(refusal(), HasSubstr("--shrads is no flag (did you mean --shards?)"));
    flags_ = {{"SOMETHING_QUITE_DIFFERENT", "4"}};
    EXPECT_THAT(refusal(), Not(HasSubstr("did you mean")));
}

TEST_F(SettingsSourcesTest, ReadsValuesFromNamedFilesWithoutTheLastLineFeed) {
    for (const std::string end : {"", "\n", "\r\n"}) {
        files_["/run/secrets/jwt"] = std::string(kSecret) + "\n" + end;
        environment_["JWT_SECRET_FILE"] = "/run/secrets/jwt";
        const LoadedSettings loaded = load_well();
        EXPECT_EQ(loaded.settings.jwt.secret, std::string(kSecret) + (end.empty() ? "" : "\n"));
        EXPECT_EQ(effective(loaded, "JWT_SECRET").origin,
                  "environment, JWT_SECRET_FILE /run/secrets/jwt");
    }
}

TEST_F(SettingsSourcesTest, TakesNamedFilesFromEverySource) {
    files_["/n"] = "4\n";
    flags_["SHARDS_FILE"] = "/n";
    EXPECT_EQ(load_well().settings.shards, 4);
    flags_.clear();
    files_[".env"] = "SHARDS_FILE=/n\n";
    EXPECT_EQ(load_well().settings.shards, 4);
    files_.erase(".env");
    files_["roomcast.toml"] = "shards_file = \"/n\"\n";
    EXPECT_EQ(load_well().settings.shards, 4);
}

TEST_F(SettingsSourcesTest, RefusesAValueAndAFileInOneSource) {
    environment_["JWT_SECRET"] = "hunter2";
    environment_["JWT_SECRET_FILE"] = "/run/secrets/jwt";
    EXPECT_EQ(refusal(),
              "JWT_SECRET=******** (environment): JWT_SECRET_FILE is set as well (environment); "
              "allowed: one of the two");
}

TEST_F(SettingsSourcesTest, AStrongerSourcesFileBeatsAWeakerSourcesValue) {
    files_[".env"] = "SHARDS=3\n";
    files_["/n"] = "4";
    environment_["SHARDS_FILE"] = "/n";
    EXPECT_EQ(load_well().settings.shards, 4);
}

TEST_F(SettingsSourcesTest, RefusesNamedFilesThatHoldNothing) {
    environment_["JWT_SECRET_FILE"] = "/run/secrets/jwt";
    EXPECT_EQ(refusal(),
              "JWT_SECRET_FILE=\"/run/secrets/jwt\" (environment): No such file or directory");
    for (const std::string text : {"", "\n", "\r\n"}) {
        files_["/run/secrets/jwt"] = text;
        EXPECT_THAT(refusal(), HasSubstr("the file is empty"));
    }
    files_["/run/secrets/jwt"] = std::string("a\0b", 3);
    EXPECT_THAT(refusal(), HasSubstr("NUL"));
}

TEST_F(SettingsSourcesTest, SettingsThatNameFilesThemselvesHaveNoFileForm) {
    EXPECT_EQ(find_setting("TLS_CERT_FILE_FILE").row, nullptr);
    EXPECT_EQ(find_setting("TLS_CERT_FILE").row->variable, "TLS_CERT_FILE");
    EXPECT_FALSE(find_setting("TLS_CERT_FILE").is_file);
    EXPECT_TRUE(find_setting("JWT_SECRET_FILE").is_file);
}

TEST_F(SettingsSourcesTest, WarnsAboutSecretsInFlags) {
    flags_["JWT_SECRET"] = kSecret;
    EXPECT_THAT(load_well().warnings, Contains(HasSubstr("--jwt-secret shows the secret")));
    flags_ = {{"JWT_SECRET_FILE", "/s"}};
    files_["/s"] = kSecret;
    EXPECT_THAT(load_well().warnings, Not(Contains(HasSubstr("shows the secret"))));
}

TEST_F(SettingsSourcesTest, EscapesWhatStrangersPutIntoPathsAndKeys) {
    files_["roomcast.toml"] = "\"a\\nb\\u001b[2J\" = 1\n";
    EXPECT_THAT(
        refusal(),
        AllOf(HasSubstr("\"a\\nb\\x1b[2J\""), Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
}

TEST(ReadSmallFileTest, SaysWhyAFileCannotBeRead) {
    const auto missing = read_small_file("/no/such/file");
    ASSERT_FALSE(missing);
    EXPECT_TRUE(missing.error().is_missing);
    const auto folder = read_small_file("/");
    ASSERT_FALSE(folder);
    EXPECT_TRUE(folder.error().is_missing);
    const auto endless = read_small_file("/dev/zero");
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error().reason, "is larger than 1 MiB");
}

TEST(SettingNamesTest, ConvertBetweenVariablesFlagsAndKeys) {
    EXPECT_EQ(flag_of("SERVER_ADDR"), "--server-addr");
    EXPECT_EQ(variable_of_flag("--server-addr"), "SERVER_ADDR");
    EXPECT_EQ(toml_key_of("SERVER_ADDR"), "server_addr");
    EXPECT_EQ(variable_of_toml_key("server_addr"), "SERVER_ADDR");
    for (const SettingRow& row : settings_table()) {
        EXPECT_EQ(variable_of_flag(flag_of(row.variable)), row.variable);
        EXPECT_EQ(variable_of_toml_key(toml_key_of(row.variable)), row.variable);
    }
}

}  // namespace
}  // namespace roomcast
