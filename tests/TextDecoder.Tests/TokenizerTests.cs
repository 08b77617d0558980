using System.Text;
using TextDecoder.Tests.Support;
using TextDecoder.Text;
using TextDecoder.Weights;

namespace TextDecoder.Tests;

public class TokenizerTests
{
    const string Mixed = "Hello, wörld! 123 日本語 🙂\t\n\n  tabs\u0000\u001f end ";

    static string Text(ITokenizer tokenizer, IEnumerable<int> tokens) =>
        Encoding.UTF8.GetString([.. tokens.SelectMany(token => tokenizer.Decode(token).ToArray())]);

    static BytePairTokenizer Bytes(string[] more, string[] merges, bool wholeWordsFirst = false, params int[] special) =>
        new([.. TinyModel.ByteVocabulary(256), .. more], merges, PreTokenizer.ForGpt2(), special.ToHashSet(), wholeWordsFirst);

    [Fact]
    public void Without_merges_a_token_is_a_byte()
    {
        var tokenizer = Bytes([], []);
        Assert.Equal(Encoding.UTF8.GetBytes(Mixed).Select(b => (int)b), tokenizer.Encode(Mixed));
        Assert.Equal(Mixed, Text(tokenizer, tokenizer.Encode(Mixed)));
        for (int b = 0; b < 256; b++)
            Assert.Equal([(byte)b], tokenizer.Decode(b).ToArray());
    }

    [Fact]
    public void Merges_go_in_their_order_and_not_over_words()
    {
        // "ab" is learnt before "bc", "abc" comes from "ab" + "c", and "Ġ" is the space.
        var tokenizer = Bytes(["ab", "bc", "abc", "Ġa"], ["a b", "b c", "ab c", "Ġ a"]);
        Assert.Equal([258], tokenizer.Encode("abc"));
        Assert.Equal([256, 256], tokenizer.Encode("abab"));
        Assert.Equal(['x', 257], tokenizer.Encode("xbc"));
        Assert.Equal([258, ' ', 258], tokenizer.Encode("abc abc"));  // "a b" is merged before "Ġ a"
        Assert.Equal([258, 259, 'x'], tokenizer.Encode("abc ax"));
        Assert.Equal(['c', ' ', 'c'], tokenizer.Encode("c c"));
        Assert.Equal("abcabc", Text(tokenizer, tokenizer.Encode("abcabc")));
    }

    [Fact]
    public void Equal_neighbours_merge_from_the_left()
    {
        var tokenizer = Bytes(["aa", "aaaa"], ["a a", "aa aa"]);
        Assert.Equal([257, 256, 'a'], tokenizer.Encode("aaaaaaa"));
    }

    [Fact]
    public void A_whole_word_is_taken_first_where_the_model_says_so()
    {
        // Without a merge that leads there, only the rule finds the token.
        Assert.Equal([256], Bytes(["xyz"], [], wholeWordsFirst: true).Encode("xyz"));
        Assert.Equal(['x', 'y', 'z'], Bytes(["xyz"], []).Encode("xyz"));
    }

    [Fact]
    public void Special_tokens_are_cut_out_the_longest_first()
    {
        var tokenizer = Bytes(["<|a|>", "<|a|>b"], [], false, 256, 257);
        Assert.Equal(['x', 256, 'y', 257, 256], tokenizer.Encode("x<|a|>y<|a|>b<|a|>"));
        Assert.Equal("<|a|>", Text(tokenizer, [256]));
    }

    [Fact]
    public void A_long_text_without_words_takes_no_square_of_its_length()
    {
        var tokenizer = Bytes(["aa", "aaaa", "aaaaaaaa"], ["a a", "aa aa", "aaaa aaaa"]);
        Assert.Equal(5_000, tokenizer.Encode(new string('a', 40_000)).Count);
    }

    [Fact]
    public void A_byte_without_a_token_and_a_merge_without_two_parts_are_refused()
    {
        var tokenizer = new BytePairTokenizer(["a"], [], PreTokenizer.ForGpt2(), new HashSet<int>(), false);
        Assert.Contains("0x62", Assert.Throws<ModelException>(() => tokenizer.Encode("ab")).Message);
        Assert.Contains("'ab'", Assert.Throws<ModelException>(() => Bytes([], ["ab"])).Message);
    }

    [Theory]
    [InlineData("gpt-2", "I'll take 1234 of  them,\n\n please!!", "I|'ll| take| 1234| of| | them|,|\n\n| please|!!")]
    [InlineData("llama-bpe", "I'LL take 1234 of  them,\n\n please!!", "I|'LL| take| |123|4| of| | them|,\n\n| please|!!")]
    [InlineData("qwen2", "I'll take 12\r\nx", "I|'ll| take| |1|2|\r\n|x")]
    [InlineData("smollm", "a 12 b", "a| |1|2| b")]
    [InlineData("default", "a+b 12345 c", "a|+|b| |123|45| c")]
    [InlineData("gpt-2", "𝔘nicode 🙂 x", "𝔘nicode| 🙂| x")]   // a letter beyond U+FFFF is a letter
    public void Words_are_cut_as_the_models_publish_it(string name, string text, string words)
    {
        var cut = PreTokenizer.Named(name).Split(text);
        Assert.Equal(words, string.Join('|', cut));
        Assert.Equal(text, string.Concat(cut));
    }

    [Fact]
    public void Words_put_together_are_the_text()
    {
        var random = new Random(40);
        string[] parts = ["a", "Z", "é", "日", "🙂", "𝔘", "1", "٣", " ", "\n", "\r", "\t", "'s", "!", "\ud800", "\u3000", "\0"];
        foreach (string name in (string[])["gpt-2", "default", "llama-bpe", "qwen2", "smollm"])
            for (int i = 0; i < 200; i++)
            {
                string text = string.Concat(Enumerable.Range(0, 20).Select(_ => parts[random.Next(parts.Length)]));
                Assert.Equal(text, string.Concat(PreTokenizer.Named(name).Split(text)));
            }
    }

    static SentencePieceTokenizer Pieces(bool spaceFirst = true)
    {
        (string Text, double Score)[] tokens =
        [
            ("<unk>", 0), ("<s>", 0), ("</s>", 0),
            .. Enumerable.Range(0, 256).Select(b => ($"<0x{b:X2}>", 0.0)),
            ("▁", -10), ("a", -11), ("b", -12), ("c", -13), ("ab", -1), ("bc", -0.5), ("▁a", -3), ("▁ab", -2), ("abc", -4),
        ];
        return new([.. tokens.Select(t => t.Text)], [.. tokens.Select(t => t.Score)], new HashSet<int> { 1, 2 }, 0, spaceFirst);
    }

    [Fact]
    public void The_pair_of_the_highest_score_merges_first()
    {
        var tokenizer = Pieces();
        string[] Spelled(string text) => [.. tokenizer.Encode(text).Select(token => Encoding.UTF8.GetString(tokenizer.Decode(token)))];
        Assert.Equal([" a", "bc"], Spelled("abc"));       // bc (-0.5) before ab (-1)
        Assert.Equal([" ab"], Spelled("ab"));
        Assert.Equal([" ab", "ab", " a"], Spelled("abab a"));
        Assert.Equal([" ", " ", "<s>", " a"], Spelled(" <s>a"));
    }

    [Fact]
    public void Characters_without_a_token_are_spelled_as_bytes()
    {
        var tokenizer = Pieces(spaceFirst: false);
        Assert.Equal(Encoding.UTF8.GetBytes("é🙂").Select(b => b + 3), tokenizer.Encode("é🙂"));
        Assert.Equal(Mixed, Text(tokenizer, tokenizer.Encode(Mixed)));
        Assert.Equal(" " + Mixed, Text(Pieces(), Pieces().Encode(Mixed)));
        Assert.Equal([], Pieces().Encode(""));
    }

    [Fact]
    public void A_file_says_what_comes_before_and_after_a_text()
    {
        var model = LlamaModel.ReadGguf("tiny", new MemoryStream(new TinyModel { Layers = 1 }.Fill(1).ToGguf(file => file
            .Set("tokenizer.ggml.add_bos_token", true).Set("tokenizer.ggml.bos_token_id", 0u).Set("tokenizer.ggml.eos_token_id", 7u))));
        Assert.Equal(0, model.Tokenizer.BeginOfText);
        Assert.Equal([7], model.Tokenizer.EndOfText);
        Assert.Null(new TinyModel { Layers = 1 }.Fill(1).Load().Tokenizer.BeginOfText);
    }

    static ITokenizer Json(string tokenizer, string ids = """, "eos_token_id": [257]""")
    {
        using var directory = new TemporaryDirectory();
        directory.File("tokenizer.json", tokenizer);
        using var config = System.Text.Json.JsonDocument.Parse("{\"vocab_size\": 300" + ids + "}");
        return JsonTokenizer.Read(directory.Path, config.RootElement, 300);
    }

    static string ByteVocabularyJson(params string[] more) => System.Text.Json.JsonSerializer.Serialize(
        TinyModel.ByteVocabulary(256).Concat(more).Select((text, token) => (text, token)).ToDictionary());

    [Fact]
    public void A_byte_level_tokenizer_json_is_read()
    {
        var tokenizer = Json("""
            {"added_tokens":[{"id":256,"content":"<|begin|>"},{"id":257,"content":"<|end|>"}], "normalizer":null,
             "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false}]},
             "post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},
                {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|begin|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]}]},
             "model":{"type":"BPE","vocab":VOCABULARY,"merges":["a b",["1","2"]]}}
            """.Replace("VOCABULARY", ByteVocabularyJson("<|begin|>", "<|end|>", "ab", "12")));
        Assert.Equal(256, tokenizer.BeginOfText);
        Assert.Equal([257], tokenizer.EndOfText);
        Assert.Equal([258, '1', '2', 257], tokenizer.Encode("ab12<|end|>"));
        Assert.Equal(Mixed, Text(tokenizer, tokenizer.Encode(Mixed)));
    }

    [Fact]
    public void A_sentence_piece_tokenizer_json_is_read()
    {
        var tokenizer = Json("""
            {"added_tokens":[{"id":0,"content":"<unk>"},{"id":1,"content":"<s>"}],
             "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
             "model":{"type":"BPE","byte_fallback":true,"unk_token":"<unk>",
              "vocab":{"<unk>":0,"<s>":1,"<0x21>":2,"▁":3,"a":4,"b":5,"c":6,"bc":7,"ab":8,"▁a":9},"merges":["b c","a b","▁ a"]}}
            """, "");
        Assert.Equal([9, 7, 2, 0], tokenizer.Encode("abc!?"));
        Assert.Null(tokenizer.BeginOfText);
    }

    [Theory]
    [InlineData("""{"model":{"type":"Unigram"}}""", "kind 'Unigram'")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"NFC"}}""", "normalizer")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Metaspace"}}""", "step 'Metaspace'")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"("}}}""", "regular expression")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":5000},"merges":[]}}""", "not numbered")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]}}""", "not a pair")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":"0"},"merges":[]}}""", "not laid out")]
    [InlineData("""{}""", "not laid out")]
    [InlineData("""[]""", "not laid out")]
    [InlineData("""{"model":""", "not valid JSON")]
    public void Other_tokenizer_jsons_are_refused_in_a_sentence(string json, string message) =>
        Assert.Contains(message, Assert.Throws<ModelException>(() => Json(json)).Message);
}
