import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** java Main host port: a server that keeps its data in memory. */
public class Main {
  /** The server says 3.6 by itself, which present drivers refuse. */
  static final MongoVersion VERSION = new MongoVersion() {
    public List<Integer> getVersionArray() {
      return List.of(5, 0, 0);
    }

    public int getWireVersion() {
      return 13;
    }
  };

  public static void main(String[] args) {
    MongoServer server = new MongoServer(new MemoryBackend().version(VERSION));
    server.bind(args[0], Integer.parseInt(args[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
  }
}
