"""Ops that talk to other processes or machines, by what they do."""

from __future__ import annotations

OPS = {
    "talks to a data service": """
        DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4
        RegisterDataset RegisterDatasetV2
    """,
    "calls or serves other processes": """
        RpcServer RpcServerStart RpcServerRegister RpcClient RpcCall RpcCheckStatus RpcGetValue
        DeleteRpcFutureResource RemoteCall
    """,
    "exchanges tensors with another device or process": """
        Send Recv _Send _Recv _HostSend _HostRecv XlaSend XlaRecv XlaSendToHost XlaRecvFromHost
        _XlaSendFromHost _XlaSendFromHostV2 _XlaRecvAtHost _XlaRecvAtHostV2
        NcclAllReduce NcclBroadcast NcclReduce _NcclBroadcastSend _NcclBroadcastRecv
        _NcclReduceSend _NcclReduceRecv
        DTensorAllGather DTensorAllReduce DTensorAllScatter DTensorAllToAll DTensorReduceScatter
        SendTPUEmbeddingGradients RecvTPUEmbeddingActivations
    """,
    "waits for other processes to join": """
        CollectiveAllToAllV2 CollectiveAllToAllV3 CollectiveAssignGroupV2 CollectiveBcastRecv
        CollectiveBcastRecvV2 CollectiveBcastSend CollectiveBcastSendV2 CollectiveGather
        CollectiveGatherV2 CollectiveInitializeCommunicator CollectivePermute CollectiveReduce
        CollectiveReduceScatterV2 CollectiveReduceV2 CollectiveReduceV3
    """,
    "sets up or shuts down a TPU system": """
        ConfigureAndInitializeGlobalTPU ConfigureDistributedTPU ConfigureTPUEmbedding
        ConfigureTPUEmbeddingHost ConfigureTPUEmbeddingMemory ConnectTPUEmbeddingHosts
        CollateTPUEmbeddingMemory ExecuteTPUEmbeddingPartitioner FinalizeTPUEmbedding
        FinalizeTPUEmbeddingV2 ShutdownDistributedTPU ShutdownTPUSystem DTensorSetGlobalTPUArray
        WorkerHeartbeat _ConfigureDistributedTPU _DisconnectHostFromDistributedTPUSystem
        _InitializeHostForDistributedTPU _SetGlobalTPUArray _ShutdownDistributedTPU
        _WaitForDistributedTPU
    """,
}
